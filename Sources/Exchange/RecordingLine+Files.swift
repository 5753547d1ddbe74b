// The files of a call's recording: what is rendered into them, and what goes when it is of no use.

import Archive
import Glibc
import Recording
import Telemetry

extension RecordingLine {
    /// The rendering of a tape. The folder of its file is made by the thread that renders: a call must not wait for
    /// the disk, and a full disk must not keep its tape from being written.
    func task(_ id: String, startedAt: Int64, tape: String) -> RenderTask {
        pool.task { [archive, render = settings.render] () throws(RecordingError) in
            do throws(ArchiveError) {
                let output = try archive.temporaryRecording(id, startedAt: startedAt)
                return CallRenderer(tapePath: tape, outputPath: output, settings: render)
            } catch {
                if case .file(_, let errno) = error { throw .file(operation: "make_folder", errno: errno) }
                throw .file(operation: "make_folder", errno: EINVAL)
            }
        }
    }

    /// Removes what a failed rendering has left: the tape has all of it, and the disk may be full.
    func removePart(_ id: String, startedAt: Int64) {
        do throws(ArchiveError) {
            let path = archive.layout.absolute(
                try archive.layout.temporaryRecording(id, startedAt: startedAt))
            if unlink(path) != 0, errno != ENOENT {
                log(.warning, "part_not_removed", ["call": .text(id), "errno": .number(Int64(errno))])
            }
        } catch {
            log(.warning, "part_not_removed", ["call": .text(id)])
        }
    }

    /// Removes the tape of a sealed recording.
    func removeTape(_ id: String) {
        do throws(ArchiveError) {
            let path = archive.layout.absolute(try archive.layout.tape(id))
            if unlink(path) != 0 {
                log(.warning, "tape_not_removed", ["call": .text(id), "errno": .number(Int64(errno))])
            }
        } catch {
            log(.warning, "tape_not_removed", ["call": .text(id)])
        }
    }
}

extension CallRow {
    /// How the call ended, when that is known.
    var ending: CallEnding? {
        guard let endedAt, let endWho, let endWhy else { return nil }
        return CallEnding(
            endedAt: endedAt, durationSamples: durationSamples, who: endWho, why: endWhy,
            conversationID: conversationID)
    }
}
