// Room Desk.
