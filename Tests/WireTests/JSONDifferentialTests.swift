// The scanner against Foundation's JSONSerialization on thousands of random and damaged documents.

import Damage
import Foundation
import Testing
import Wire

/// Grows a random JSON value as text, with random white space and escapes.
private func grow(_ depth: Int, _ random: inout SplitMix64) -> String {
    let space = [" ", "", "", "\n", "\t"].randomElement(using: &random) ?? ""
    switch Int.random(in: 0..<(depth > 4 ? 5 : 7), using: &random) {
    case 0: return space + "null"
    case 1: return Bool.random(using: &random) ? "true" + space : "false"
    case 2: return space + String(Int64.random(in: Int64.min...Int64.max, using: &random))
    case 3: return String(Double(Int.random(in: -100_000...100_000, using: &random)) / 64)
    case 4: return growString(&random)
    case 5:
        let items = (0..<Int.random(in: 0...4, using: &random)).map { _ in grow(depth + 1, &random) }
        return "[" + space + items.joined(separator: space + ",") + space + "]"
    default:
        // Names made unique: parsers differ on which of two equal names counts.
        let members = (0..<Int.random(in: 0...4, using: &random)).map { index in
            "\"\(index)" + growString(&random).dropFirst() + space + ":" + grow(depth + 1, &random)
        }
        return "{" + space + members.joined(separator: "," + space) + "}"
    }
}

private func growString(_ random: inout SplitMix64) -> String {
    let pieces = [
        "a", "Z9", "é", "€", "😀", "\\n", "\\\"", "\\\\", "\\/", "\\u00e9", "\\ud83d\\ude00",
        "long plain text",
    ]
    let chosen = (0..<Int.random(in: 0...6, using: &random)).map { _ in
        pieces.randomElement(using: &random) ?? ""
    }
    return "\"" + chosen.joined() + "\""
}

/// Whether the scanner's value says what Foundation's says.
private func agree(_ ours: JSONValue?, _ theirs: Any) -> Bool {
    switch ours {
    case nil: return false
    case .null: return theirs is NSNull
    case .bool(let bool): return (theirs as? NSNumber)?.boolValue == bool
    case .number(let number):
        if let integer = number.integer { return (theirs as? NSNumber)?.int64Value == integer }
        return (theirs as? NSNumber)?.doubleValue == Double(String(decoding: number.bytes, as: UTF8.self))
    case .string(let text): return text.string(limit: 10000) == theirs as? String
    case .array(let array):
        guard let list = theirs as? [Any] else { return false }
        var scanner = array.scanner()
        guard scanner.enterArray() else { return false }
        for element in list {
            guard scanner.nextElement(), agree(scanner.value(), element) else { return false }
        }
        return !scanner.nextElement() && scanner.finish()
    case .object(let object):
        guard let members = theirs as? [String: Any] else { return false }
        var scanner = object.scanner()
        guard scanner.enterObject() else { return false }
        var count = 0
        while let key = scanner.nextMember() {
            guard let name = key.string(limit: 10000), let other = members[name],
                agree(scanner.value(), other)
            else {
                return false
            }
            count += 1
        }
        return scanner.finish() && count == members.count
    }
}

@Test func random_documents_read_the_same() throws {
    var random = SplitMix64(seed: 8259)
    for _ in 0..<4000 {
        let json = grow(0, &random)
        let bytes = Array(json.utf8)
        let theirs = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
        bytes.withUnsafeBytes { raw in
            var scanner = JSONScanner(raw)
            let ours = scanner.value()
            let ended = scanner.finish()
            #expect(agree(ours, theirs) && ended, "\(json)")
        }
    }
}

@Test func damaged_documents_are_refused_alike() {
    var random = SplitMix64(seed: 20)
    var refused = 0
    for _ in 0..<4000 {
        var bytes = Array(grow(0, &random).utf8)
        let at = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes.remove(at: at)
        case 1: bytes[at] = Array("{}[]:,\"x0-. \n".utf8).randomElement(using: &random) ?? 0
        default: bytes.insert(Array("{}[]:,\"x0-.".utf8).randomElement(using: &random) ?? 0, at: at)
        }
        let text = String(decoding: bytes, as: UTF8.self)
        // Foundation refuses lone surrogates, which RFC 8259, 8.2 allows; and it takes UTF-16 when it sees zeros.
        if text.contains("\\u") { continue }
        // And Foundation overlooks a comma before a closing bracket, which RFC 8259, 4 and 5 do not.
        if text.contains(/,[ \n\t]*[\]}]/) { continue }
        let theirs: Bool
        do {
            _ = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            theirs = true
        } catch {
            theirs = false
        }
        if !theirs { refused += 1 }
        #expect(isJSON(bytes) == theirs, "\(text)")
    }
    #expect(refused > 1000)
}

@Test func damage_never_traps() {
    var random = SplitMix64(seed: 1)
    let seed = Array(
        "{\"a\":[1,2.5e-3,{\"b\":\"\\ud83d\\ude00é\"}],\"c\":\"12345678901234567890\",\"d\":null}".utf8)
    for _ in 0..<10000 {
        let bytes = mutated(seed, using: &random)
        bytes.withUnsafeBytes { raw in
            var scanner = JSONScanner(raw)
            if case .object(let object) = scanner.value(), scanner.finish() {
                _ = object.member("a")?.array
                _ = object.member("c")?.text?.string(limit: 10)
                _ = object.member("d")?.integer
            }
            _ = JSONContainer(bytes: raw).member("d")
        }
        #expect(isJSON(seed))
    }
}
