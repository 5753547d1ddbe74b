// Comma-separated values (RFC 4180), read and written.

/// Reads and writes CSV.
public enum CSVText {
    /// A text that is no CSV: the line (from 1) on which the record with the fault begins.
    public struct Fault: Error, Sendable, Hashable {
        /// The line.
        public var line: Int
    }

    /// One record with the line (from 1) on which it begins.
    public struct Record: Sendable, Hashable {
        /// Its fields.
        public var fields: [String]
        /// Its line.
        public var line: Int
    }

    /// The records of `text` (RFC 4180 §2): fields are separated by commas; one in quotes may hold commas, line breaks
    /// and doubled quotes. Lines end with CRLF or, as many programs write them, LF alone. A byte order mark before
    /// the first record and empty lines are passed over.
    public static func records(_ text: String) throws(Fault) -> [Record] {
        var bytes = Array(text.utf8)[...]
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        var records: [Record] = []
        var record = Record(fields: [], line: 1)
        var field: [UInt8] = []
        var line = 1
        var index = bytes.startIndex
        // What was read of the field: nothing, a plain one, one inside its quotes, one after them.
        var state = 0
        func endOfField() {
            record.fields.append(String(decoding: field, as: UTF8.self))
            field = []
            state = 0
        }
        func endOfRecord() {
            let isEmpty = record.fields.isEmpty && field.isEmpty && state == 0
            if !isEmpty {
                endOfField()
                records.append(record)
            }
            record = Record(fields: [], line: line)
        }
        while index < bytes.endIndex {
            let byte = bytes[index]
            index += 1
            if byte == 0x0A { line += 1 }
            if state == 2 {
                guard byte == 0x22 else {
                    field.append(byte)
                    continue
                }
                if index < bytes.endIndex, bytes[index] == 0x22 {
                    field.append(0x22)
                    index += 1
                } else {
                    state = 3
                }
                continue
            }
            switch byte {
            case 0x2C: endOfField()
            case 0x0A: endOfRecord()
            case 0x0D where index < bytes.endIndex && bytes[index] == 0x0A: break
            case 0x22 where state == 0: state = 2
            case 0x22, 0x0D: throw Fault(line: record.line)
            default:
                guard state != 3 else { throw Fault(line: record.line) }
                state = 1
                field.append(byte)
            }
        }
        guard state != 2 else { throw Fault(line: record.line) }
        endOfRecord()
        return records
    }

    /// One record with its CRLF; fields that need it stand in quotes.
    public static func line(_ fields: [String]) -> String {
        fields.map { field in
            let needsQuotes = field.utf8.contains { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }
            return needsQuotes ? "\"" + field.replacing("\"", with: "\"\"") + "\"" : field
        }.joined(separator: ",") + "\r\n"
    }
}
