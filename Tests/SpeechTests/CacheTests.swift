// The cache of spoken texts: hits, bounds, torn files, restarts; alone and behind the synthesizer.

import Agents
import Audio
import Foundation
import Glibc
import Patience
import Simulator
import Testing

@testable import Speech

@Suite(.serialized) struct CacheTests {
    private func key(_ text: String, _ change: (inout SpeechRequest) -> Void = { _ in }) -> SpeechKey {
        var request = SpeechRequest(text: text, voice: SpeechVoice(), format: .pcmu8k)
        change(&request)
        return SpeechKey(request)
    }

    /// A file's bytes besides the sound: mark, key, digest (8 + 32 + 32).
    private static let header = 72

    @Test func `a text spoken once is not asked for again, nor after a restart`() async throws {
        let place = Place()
        let cache = try SpeechCache(folder: place.path)
        let studio = try Studio(cache: cache)
        #expect(await studio.speak("Welcome").report?.source == .service)
        // The request that follows may come while the first is being written: then it is shared, with no second one.
        let second = await studio.speak("Welcome")
        #expect(second.sound == sound(of: "Welcome"))
        // Under its own name: whole. One that is being written would be taken for left over.
        #expect(try await eventually { place.names == [key("Welcome").description] })
        studio.stop()
        let again = try Studio(cache: SpeechCache(folder: place.path))
        let heard = await again.speak("Welcome")
        #expect(heard.sound == sound(of: "Welcome"))
        #expect(heard.report?.source == .cache)
        #expect(heard.report?.attempts == 0)
        #expect(studio.requests.count == 1)
        #expect(again.requests.isEmpty)
        again.stop()
        let name = try #require(place.names.first)
        #expect(name == key("Welcome").description)
        var facts = stat()
        #expect(stat(place.path + "/" + name, &facts) == 0)
        #expect(facts.st_mode & 0o777 == 0o600)
        let bytes = try #require(FileManager.default.contents(atPath: place.path + "/" + name))
        #expect(bytes.range(of: Data("Welcome".utf8)) == nil)
    }

    @Test func `whatever changes the sound changes the key`() {
        let changes: [(inout SpeechRequest) -> Void] = [
            { _ in }, { $0.text = "b" }, { $0.format = .pcma8k }, { $0.voice.voiceID = "v" },
            { $0.voice.modelID = "eleven_v3" }, { $0.voice.languageCode = "de" }, { $0.voice.seed = 1 },
            { $0.voice.normalization = .on }, { $0.voice.settings = SpeechSettings(speed: 1.1) },
            { $0.voice.settings = SpeechSettings(stability: 0.4) },
        ]
        #expect(Set(changes.map { key("a", $0) }).count == changes.count)
        #expect(key("a") == key("a"))
        #expect(key("a").description.utf8.count == 64)
    }

    @Test func `a fallback voice's sound is kept as its own`() async throws {
        let place = Place()
        var settings = SimulatedSpeechSettings()
        settings.missingVoices = ["gone"]
        let studio = try Studio(settings, cache: SpeechCache(folder: place.path))
        _ = await studio.speak("Hi", voice: SpeechVoice(voiceID: "gone"))
        #expect(try await eventually { place.names == [key("Hi").description] })
        let second = await studio.speak("Hi", voice: SpeechVoice(voiceID: "gone"))
        #expect(second.report?.usedFallbackVoice == true)
        #expect(second.sound == sound(of: "Hi"))
        #expect(studio.requests.count { $0.voiceID == SpeechVoice.defaultVoiceID } == 1)
        studio.stop()
    }

    @Test func `the bound holds, and what was used last stays`() async throws {
        let place = Place()
        let size = Int64(Self.header + 1000)
        let cache = try SpeechCache(folder: place.path, totalBytes: 3 * size, snippetBytes: 1000)
        for text in ["a", "b", "c"] {
            #expect(await cache.store(key(text), [UInt8](repeating: 1, count: 1000)))
        }
        #expect(await cache.read(key("a")) != nil)
        #expect(await cache.store(key("d"), [UInt8](repeating: 4, count: 1000)))
        #expect(await cache.read(key("b")) == nil)
        for text in ["a", "c", "d"] { #expect(await cache.read(key(text))?.count == 1000) }
        #expect(await !cache.store(key("e"), [UInt8](repeating: 5, count: 1001)))
        #expect(await !cache.store(key("e"), []))
        let figures = await cache.statistics()
        #expect(
            figures
                == SpeechCacheStatistics(
                    files: 3, bytes: 3 * size, hits: 4, misses: 1, corrupt: 0, evicted: 1, refused: 2))
        #expect(place.names.count == 3)
        // A smaller bound at the next start: the order of use is on the disk.
        let times = ["c", "a", "d"].enumerated().map { (key($1).description, 1000 + $0) }
        for (name, seconds) in times {
            var stamps = [timespec(tv_sec: seconds, tv_nsec: 0), timespec(tv_sec: seconds, tv_nsec: 0)]
            #expect(utimensat(AT_FDCWD, place.path + "/" + name, &stamps, 0) == 0)
        }
        let smaller = try SpeechCache(folder: place.path, totalBytes: 2 * size, snippetBytes: 1000)
        #expect(await smaller.statistics().files == 2)
        #expect(await smaller.read(key("c")) == nil)
        await smaller.clear()
        #expect(place.names.isEmpty)
        #expect(await smaller.statistics().bytes == 0)
    }

    @Test func `a torn, changed or misnamed file is dropped and asked for anew`() async throws {
        let place = Place()
        let cache = try SpeechCache(folder: place.path)
        let path = place.path + "/" + key("x").description
        let sound = [UInt8](0..<200)
        #expect(await cache.store(key("other"), sound))
        let other = try #require(
            FileManager.default.contents(atPath: place.path + "/" + key("other").description))
        #expect(await cache.store(key("x"), sound))
        let whole = try #require(FileManager.default.contents(atPath: path)).map { $0 }
        #expect(whole.count == Self.header + 200)
        var broken = [
            Array(whole.dropLast()), [], Array(whole.prefix(Self.header)), whole + [0], Array(other),
        ]
        for index in [0, 8, 40, 71, 72, 271] {
            var changed = whole
            changed[index] ^= 1
            broken.append(changed)
        }
        for bytes in broken {
            #expect(await cache.store(key("x"), sound))
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            #expect(await cache.read(key("x")) == nil)
            #expect(!FileManager.default.fileExists(atPath: path))
        }
        #expect(await cache.statistics().corrupt == broken.count)
        #expect(await cache.read(key("other")) == sound)
        #expect(await cache.store(key("x"), sound))
        #expect(unlink(path) == 0)
        #expect(await cache.read(key("x")) == nil)
        #expect(await cache.statistics().corrupt == broken.count)
    }

    @Test func `the start removes what was not finished and leaves what is not its own`() async throws {
        let place = Place()
        try FileManager.default.createDirectory(atPath: place.path, withIntermediateDirectories: true)
        let name = key("x").description
        for file in [name + ".part", "README", "abc.part"] {
            #expect(FileManager.default.createFile(atPath: place.path + "/" + file, contents: Data([1])))
        }
        let cache = try SpeechCache(folder: place.path)
        #expect(place.names == ["README", "abc.part"])
        await cache.clear()
        #expect(place.names == ["README", "abc.part"])
        #expect(throws: SpeechCacheError.system(operation: "mkdir", errno: ENOENT)) {
            try SpeechCache(folder: place.path + "/no/such")
        }
        #expect(throws: SpeechCacheError.system(operation: "opendir", errno: ENOTDIR)) {
            try SpeechCache(folder: place.path + "/README")
        }
    }

    @Test func `a disk that refuses costs the cache, not the sound`() async throws {
        let place = Place()
        let cache = try SpeechCache(folder: place.path)
        let studio = try Studio(cache: cache)
        // A folder stands where the file would be.
        let blocked = place.path + "/" + key("Hello").description
        try FileManager.default.createDirectory(atPath: blocked + "/in", withIntermediateDirectories: true)
        #expect(await studio.speak("Hello").sound == sound(of: "Hello"))
        #expect(try await eventually { await cache.statistics().refused > 0 })
        #expect(await cache.statistics().refused == 1)
        #expect(place.names == [key("Hello").description])
        studio.stop()
    }

    @Test func `many at once, of few texts, are few requests`() async throws {
        let place = Place()
        let studio = try Studio(cache: SpeechCache(folder: place.path))
        let good = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let text = "text \(number % 5)"
                    return await studio.speak(text).sound == sound(of: text)
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(good == 200)
        #expect(studio.requests.count == 5)
        #expect(try await eventually { place.names.count == 5 })
        studio.stop()
    }
}
