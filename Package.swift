// swift-tools-version: 6.2
// The rooms of the house and the doors between them. `Tests/HouseTests` checks the imports against this list.
import PackageDescription

/// Warnings are errors, in every target of ours.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// One room: a target and the only rooms it may look into.
func room(_ name: String, _ doors: [String] = []) -> Target {
    .target(
        name: name, dependencies: doors.map { .byName(name: $0) },
        swiftSettings: strict)
}

/// The tests of one room, with the rooms they look into besides it.
func tests(
    _ name: String, _ doors: [String] = [], resources: [Resource]? = nil, as title: String? = nil
) -> Target {
    .testTarget(
        name: title ?? name + "Tests", dependencies: ([name] + doors).map { .byName(name: $0) },
        resources: resources, swiftSettings: strict)
}

let package = Package(
    name: "teeline",
    products: [.executable(name: "teeline", targets: ["teeline"])],
    targets: [
        // Floor –: C libraries. `CLinux` is a header of our own for what Glibc's module lacks.
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CLame", providers: [.apt(["libmp3lame-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(
            name: "CMicroHTTPD", pkgConfig: "libmicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),
        .systemLibrary(
            name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CSpeexDSP", pkgConfig: "speexdsp", providers: [.apt(["libspeexdsp-dev"])]),
        .systemLibrary(name: "CSpandsp", pkgConfig: "spandsp", providers: [.apt(["libspandsp-dev"])]),
        .systemLibrary(name: "COpus", pkgConfig: "opus", providers: [.apt(["libopus-dev"])]),
        .systemLibrary(
            name: "CAMRWB", pkgConfig: "opencore-amrwb",
            providers: [.apt(["libopencore-amrwb-dev", "libvo-amrwbenc-dev"])]),

        // Floor 0
        room("Audio", ["CSpeexDSP", "CSpandsp", "COpus", "CAMRWB"]),
        room("Telemetry", ["CLinux"]),
        room("Wire"),
        room("Cryptography", ["COpenSSL"]),
        // Floor 1
        room("Timeline", ["Audio", "Telemetry"]),
        room("Tape", ["Audio", "Telemetry"]),
        room("Carriers", ["Audio", "Wire"]),
        room("Agents", ["Audio", "Wire", "Cryptography"]),
        room("Routing", ["Wire"]),
        room("Net", ["Telemetry", "CLinux", "COpenSSL", "CMicroHTTPD", "CCurl"]),
        // Floor 2
        room("Signalling", ["Carriers", "Wire", "Cryptography", "Telemetry"]),
        room(
            "Calls", ["Timeline", "Tape", "Audio", "Telemetry", "Wire", "Carriers", "Agents", "Routing"]),
        room("Recording", ["Timeline", "Tape", "Audio", "Telemetry", "CLame", "CLinux", "COpenSSL"]),
        room("Archive", ["Wire", "Telemetry", "CSQLite", "COpenSSL", "CLinux"]),
        room("Speech", ["Agents", "Audio", "Net", "Telemetry", "Cryptography"]),
        // Floor 3
        room(
            "Switchboard",
            [
                "Signalling", "Routing", "Carriers", "Agents", "Speech", "Archive", "Recording", "Net",
                "Audio",
                "Wire",
                "Cryptography", "Telemetry",
            ]),
        room("Desk", ["Archive", "Calls", "Carriers", "Net", "Telemetry", "Routing", "Wire"]),
        room("Simulator", ["Audio", "Wire", "Carriers", "Agents", "Net", "Telemetry", "CLinux"]),
        // Floor 4
        room(
            "Exchange",
            [
                "Desk", "Calls", "Recording", "Archive", "Timeline", "Tape", "Carriers", "Agents", "Net",
                "Audio", "Wire", "Telemetry", "CLinux", "Cryptography", "Signalling", "Routing", "Speech",
                "Switchboard",
            ]),
        // Floor 5
        .executableTarget(
            name: "teeline",
            dependencies: [
                "Exchange", "Simulator", "Desk", "Calls", "Recording", "Archive", "Timeline", "Tape",
                "Carriers", "Agents", "Net", "Audio", "Wire", "Telemetry", "CLinux", "CLame", "CSQLite",
                "COpenSSL", "CMicroHTTPD", "CCurl", "Cryptography", "Signalling", "Routing", "Speech",
                "Switchboard",
            ],
            swiftSettings: strict),

        // Programs of others that judge what ours made.
        .target(name: "Judges", path: "Tests/Judges", swiftSettings: strict),
        tests("Audio", ["Judges"], resources: [.copy("Vectors")]), tests("Telemetry"),
        // Numbers that are the same on every run, and hostile bytes made with them.
        .target(name: "Damage", path: "Tests/Damage", swiftSettings: strict),
        // Waits with a limit.
        .target(
            name: "Patience", dependencies: ["Telemetry"], path: "Tests/Patience", swiftSettings: strict),
        // What independent validators say of answers and of the document that promises them.
        .target(
            name: "Contract", dependencies: ["Net", "Judges"], path: "Tests/Contract", swiftSettings: strict),
        tests("Wire", ["Damage"]),
        tests("Cryptography"),
        tests(
            "Signalling",
            ["Agents", "Carriers", "Wire", "Cryptography", "Telemetry", "Damage", "Judges"],
            resources: [.copy("Vectors"), .copy("Validators")]),
        tests("Routing", ["Wire"]),
        tests("Timeline", ["Audio", "Telemetry", "Damage"]), tests("Tape", ["Telemetry"]),
        tests("Carriers", ["Audio", "Wire", "Damage"], resources: [.copy("Vectors")]),
        tests("Agents", ["Audio", "Wire", "Cryptography", "Damage"], resources: [.copy("Vectors")]),
        tests("Net", ["Telemetry", "CLinux", "COpenSSL", "Damage", "Patience"]),
        tests("Speech", ["Simulator", "Agents", "Audio", "Net", "Telemetry", "Cryptography", "Patience"]),
        tests("Calls", ["Timeline", "Tape", "Audio", "Telemetry", "Wire", "Carriers", "Agents", "Routing"]),
        tests("Recording", ["Timeline", "Tape", "Audio", "Telemetry", "Damage", "Judges", "Patience"]),
        tests("Archive", ["Telemetry"]),
        tests("Desk", ["Archive", "Net", "Telemetry", "Routing", "Contract", "Patience"]),
        tests("Simulator", ["Net", "Audio", "Wire", "Carriers", "Agents", "Telemetry", "Patience"]),
        tests(
            "Switchboard",
            [
                "Simulator", "Signalling", "Routing", "Carriers", "Agents", "Archive", "Recording", "Net",
                "Wire",
                "Cryptography", "Telemetry", "Audio", "Damage", "Patience",
            ]),
        // The server that the catastrophe tests kill, and the disk that stands still under it.
        .target(name: "CSlowDisk", path: "Tests/CSlowDisk"),
        .executableTarget(
            name: "crash-server", dependencies: ["Exchange", "Telemetry", "CSlowDisk"],
            path: "Tests/CrashServer",
            swiftSettings: strict),
        tests(
            "Exchange",
            [
                "Simulator", "Desk", "Calls", "Recording", "Archive", "Timeline", "Tape", "Carriers",
                "Agents", "Net", "Audio", "Wire", "Telemetry", "Routing", "Signalling", "Cryptography",
                "Switchboard", "Damage", "Contract", "Judges", "Patience", "CSQLite",
            ]),
        tests(
            "teeline",
            [
                "Exchange", "Switchboard", "Desk", "Archive", "Agents", "Simulator", "Carriers", "Net",
                "Tape", "Audio",
                "Telemetry", "Patience",
            ],
            as: "TeelineTests"),
        .testTarget(name: "HouseTests", swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
