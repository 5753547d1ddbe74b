// Reads what stands below a rule's `when`.

extension RulesReader {
    /// The conditions below `when`.
    mutating func condition(_ node: RulesNode, _ place: String) -> RoutingCondition {
        let members = members(
            node, place, ["called", "caller", "carrier", "direction", "context", "time"])
        var condition = RoutingCondition()
        condition.called = members["called"].map { numbers($0, place + ".called") }
        condition.caller = members["caller"].map { numbers($0, place + ".caller") }
        if let node = members["carrier"] {
            condition.carriers = Set(
                oneOrMore(node, place + ".carrier").compactMap { element in
                    guard let name = string(element.node, element.place) else { return nil }
                    if !carriers.contains(name) { complain(element.place, "no such carrier") }
                    return name
                })
        }
        if let node = members["direction"], let name = string(node, place + ".direction") {
            condition.direction = RoutingDirection(rawValue: name)
            if condition.direction == nil { complain(place + ".direction", "must be inbound or outbound") }
        }
        if let node = members["context"] {
            for (name, value) in entries(node, place + ".context") {
                condition.context[name] = field(value, place + ".context." + Self.label(name))
            }
        }
        if let node = members["time"] {
            condition.windows = oneOrMore(node, place + ".time").compactMap { window($0.node, $0.place) }
        }
        return condition
    }

    private mutating func numbers(_ node: RulesNode, _ place: String) -> [NumberPattern] {
        oneOrMore(node, place).compactMap { element in
            guard let text = string(element.node, element.place) else { return nil }
            let pattern = NumberPattern(text)
            if pattern == nil {
                complain(element.place, "must be a number, the beginning of one with * after it, or unknown")
            }
            return pattern
        }
    }

    private mutating func field(_ node: RulesNode, _ place: String) -> FieldCondition? {
        if case .object = node {
            let before = problems.count
            let members = members(node, place, ["present"])
            guard let present = members["present"] else {
                if problems.count == before {
                    complain(place, "must be a value, a list of values, or {\"present\": true or false}")
                }
                return nil
            }
            return bool(present, place + ".present").map { $0 ? .present : .absent }
        }
        return .oneOf(
            Set(
                oneOrMore(node, place).compactMap { element in
                    if element.node.scalar == nil {
                        complain(element.place, "must be text, a number, true or false")
                    }
                    return element.node.scalar
                }))
    }

    private mutating func window(_ node: RulesNode, _ place: String) -> TimeWindow? {
        let members = members(node, place, ["zone", "days", "from", "to"])
        guard case .object = node else { return nil }
        let before = problems.count
        var zone = "UTC"
        if let node = members["zone"] {
            zone = string(node, place + ".zone") ?? zone
        } else {
            complain(place + ".zone", "is missing")
        }
        var days = Set(RoutingDay.allCases)
        if let node = members["days"] {
            days = Set(
                oneOrMore(node, place + ".days").compactMap { element in
                    guard let name = string(element.node, element.place) else { return nil }
                    let day = RoutingDay(rawValue: name)
                    if day == nil { complain(element.place, "must be mon, tue, wed, thu, fri, sat or sun") }
                    return day
                })
        }
        var (begin, end) = (0, 1440)
        if (members["from"] == nil) != (members["to"] == nil) {
            complain(place, "from and to stand together or not at all")
        }
        if let node = members["from"] { begin = minute(node, place + ".from", limit: 1439) ?? begin }
        if let node = members["to"] { end = minute(node, place + ".to", limit: 1440) ?? end }
        do throws(TimeWindow.Fault) {
            // 00:00 as an end is midnight: the end of the day, not its begin.
            return try TimeWindow(zone: zone, days: days, begin: begin, end: end == 0 ? 1440 : end)
        } catch {
            switch error {
            case .zone: complain(place + ".zone", "no such time zone (IANA name, as Europe/London)")
            case .times where problems.count == before: complain(place, "from and to are the same time")
            case .times, .days: break  // A problem is told already.
            }
            return nil
        }
    }

    /// "HH:MM" as minutes after midnight.
    private mutating func minute(_ node: RulesNode, _ place: String, limit: Int) -> Int? {
        guard let text = string(node, place) else { return nil }
        let bytes = Array(text.utf8)
        let digits = [0, 1, 3, 4].compactMap { index -> Int? in
            guard bytes.count == 5, (0x30...0x39).contains(bytes[index]) else { return nil }
            return Int(bytes[index]) - 0x30
        }
        guard digits.count == 4, bytes[2] == UInt8(ascii: ":") else {
            complain(place, "must be a time as 08:30")
            return nil
        }
        let (hour, minute) = (digits[0] * 10 + digits[1], digits[2] * 10 + digits[3])
        guard minute < 60, hour * 60 + minute <= limit else {
            complain(
                place,
                limit == 1440 ? "must be a time from 00:00 to 24:00" : "must be a time from 00:00 to 23:59")
            return nil
        }
        return hour * 60 + minute
    }
}
