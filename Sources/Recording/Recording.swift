// Room Recording.
