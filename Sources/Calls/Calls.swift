// Room Calls.
