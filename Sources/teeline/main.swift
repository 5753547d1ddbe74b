print("teeline")
