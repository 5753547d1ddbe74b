// Lines of a `.env`, and values for every key.

@testable import Exchange

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    let dotenv = Dotenv(text)
    var values: [String: String] = [:]
    for (number, value) in dotenv.values.values.enumerated() where number < 200 {
        values[SettingKey.all[(number + count) % SettingKey.all.count].name] = value
    }
    do { _ = try Settings(values: values) } catch { return 0 }
    return 0
}
