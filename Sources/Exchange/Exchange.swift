// Room Exchange.
