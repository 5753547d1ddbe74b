// A WebSocket's bytes: from the kernel through TLS and frames to the handler, and back with one write a turn.

import CLinux
import Glibc

/// A TLS session where a class can hold it or not.
final class TLSBox {
    let session: TLSSession
    init(_ session: consuming TLSSession) { self.session = session }
}

extension WebSocketConnection {
    /// Non-blocking, and no waiting for more to send (Nagle).
    func prepareDescriptor() {
        let flags = fcntl(descriptor, F_GETFL)
        if flags >= 0 { _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Puts an upgraded socket on the loop, and takes the bytes that came with the upgrade.
    func attach(_ leftover: [UInt8]) {
        guard phase == .upgrading else { return }
        do throws(NetError) {
            registration = try loop.watch(descriptor, .read, handler: self)
        } catch {
            return finish(error)
        }
        phase = .open
        handler?.webSocketDidOpen(self)
        guard !leftover.isEmpty else { return }
        var bytes = leftover
        bytes.withUnsafeMutableBytes { takeFrames($0) }
    }

    func ready(_ readiness: Readiness) {
        guard phase != .closed else { return }
        if phase == .connecting { return connectionReady() }
        if readiness.contains(.write) { writeOut() }
        if !readiness.isDisjoint(with: [.read, .hangUp, .failure]), phase != .closed { readOnce() }
    }

    // MARK: In

    private func readOnce() {
        let buffer = loop.readBuffer
        let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
        if count > 0 {
            take(UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
        } else if count == 0 {
            endOfStream()
        } else if errno != EAGAIN && errno != EINTR {
            transportFailed("recv", errno)
        }
    }

    /// Takes bytes off the wire.
    private func take(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let tls else { return takePlain(bytes) }
        tls.session.feed(UnsafeRawBufferPointer(bytes))
        if phase == .securing {
            guard continueHandshake() else { return }
        }
        let plain = loop.plainBuffer
        while phase != .closed {
            switch tls.session.read(into: plain) {
            case .done(let count): takePlain(UnsafeMutableRawBufferPointer(rebasing: plain[..<count]))
            case .starved: return writeOut()  // a key update may want an answer
            case .ended: return endOfStream()
            case .failed(let reason): return finish(phase == .upgrading ? .tls(reason: reason) : nil)
            }
        }
    }

    func takePlain(_ bytes: UnsafeMutableRawBufferPointer) {
        switch phase {
        case .open: takeFrames(bytes)
        case .closing where farewell == nil: takeFrames(bytes)
        case .upgrading: takeAnswer(bytes)
        default: break
        }
    }

    func takeFrames(_ bytes: UnsafeMutableRawBufferPointer) {
        reader.begin(bytes)
        defer { reader.end() }
        while phase == .open || phase == .closing {
            switch reader.next(limit: limits.messageBytes) {
            case .nothing: return
            case .message(let message, let isText):
                if phase == .open { handler?.webSocket(self, didReceive: message, isText: isText) }
            case .ping(let payload): send(WebSocketOpcode.pong, payload)
            case .failure(let code): return fail(code)
            case .close(let code, let reason): return peerCloses(code, reason)
            }
        }
    }

    private func peerCloses(_ code: UInt16, _ reason: UnsafeRawBufferPointer) {
        farewell = (code, String(decoding: reason, as: UTF8.self))
        if phase == .open {
            queueClose(code, "")
            cutLater()
        }
        phase = .closing
        markDirty()  // the end comes when everything is written
    }

    private func endOfStream() {
        switch phase {
        case .securing: finish(.tls(reason: "connection closed"))
        case .upgrading where role == .client: finish(.badHandshake)
        default: finish()
        }
    }

    private func transportFailed(_ operation: String, _ code: Int32) {
        switch phase {
        case .securing, .upgrading: finish(.system(operation: operation, errno: code))
        default: finish()
        }
    }

    // MARK: Out

    /// Gives the kernel what is queued, by one write.
    func writeOut() {
        while true {
            if let tls, cipherOut.isEmpty { encipher(tls) }
            let queued = tls == nil ? out.bytes : cipherOut.bytes
            guard !queued.isEmpty else { break }
            let count = Glibc.send(descriptor, queued.baseAddress, queued.count, Int32(MSG_NOSIGNAL))
            if count < 0 {
                if errno == EINTR { continue }
                guard errno == EAGAIN else { return transportFailed("send", errno) }
                return waitForWrite()
            }
            progress &+= count
            if tls == nil { out.removeFirst(count) } else { cipherOut.removeFirst(count) }
            if count < queued.count { return waitForWrite() }
            if tls == nil || out.isEmpty { break }
        }
        if waitsForWrite {
            waitsForWrite = false
            if let registration { loop.change(registration, to: .read) }
            stall?.cancel()
            stall = nil
        }
        allWritten()
    }

    private func encipher(_ tls: TLSBox) {
        while !out.isEmpty, phase != .securing {
            guard case .done(let count) = tls.session.write(UnsafeRawBufferPointer(out.bytes)) else { break }
            out.removeFirst(count)
        }
        tls.session.drain(into: &cipherOut)
    }

    private func allWritten() {
        switch phase {
        case .closing where farewell != nil && role == .server:
            // Both close frames are through: the server ends the connection first (RFC 6455 §7.1.1). What is
            // still unread would turn our FIN into a reset.
            shutdown(descriptor, Int32(SHUT_WR))
            while recv(descriptor, loop.readBuffer.baseAddress, loop.readBuffer.count, 0) > 0 {}
            finish()
        case .failing:
            sayGoodbye()
            shutdown(descriptor, Int32(SHUT_WR))
        default: break
        }
    }

    /// Ends TLS in order (close_notify) as far as the kernel takes it at once.
    func sayGoodbye() {
        guard let tls, cipherOut.isEmpty, descriptor >= 0, !hasSaidGoodbye else { return }
        hasSaidGoodbye = true
        tls.session.shutDown()
        tls.session.drain(into: &cipherOut)
        let farewell = cipherOut.bytes
        _ = Glibc.send(descriptor, farewell.baseAddress, farewell.count, Int32(MSG_NOSIGNAL))
        cipherOut.removeAll()
    }

    private func waitForWrite() {
        guard !waitsForWrite, let registration else { return }
        waitsForWrite = true
        loop.change(registration, to: [.read, .write])
        watchStall()
    }

    /// Cuts the connection when the kernel takes nothing for as long as `closeMilliseconds`.
    private func watchStall() {
        let seen = progress
        stall = loop.after(milliseconds: limits.closeMilliseconds) { [weak self] in
            guard let self, self.waitsForWrite else { return }
            if self.progress == seen { self.abort() } else { self.watchStall() }
        }
    }
}
