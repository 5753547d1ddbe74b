// Room Archive.
