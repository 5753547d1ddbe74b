// A floor on which nobody calls.

import Carriers

@testable import Switchboard

/// A floor without calls.
struct EmptyFloor: CallFloor {
    func room(caller: String?, called: String?) -> Room { .free }
    func carrierHungUp(_ carrier: Carrier, carrierCallID: String) -> Bool { false }
    func liveCall(_ id: String) -> (carrier: Carrier, carrierCallID: String)? { nil }
    func openStreams() -> [OpenStream] { [] }
    func hangUp(_ id: String) -> Bool { false }
}
