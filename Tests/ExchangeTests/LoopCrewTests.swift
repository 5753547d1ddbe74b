// Which loop a call lives on.

import Testing

@testable import Exchange

@Suite(.serialized) struct LoopCrewTests {
    @Test(arguments: [
        ([0, 0], 0), ([99, 0], 0), ([100, 0], 1), ([100, 99], 1), ([99, 100], 0), ([100, 100], 0),
        ([101, 100], 1), ([150, 120, 99], 2), ([150, 120, 130], 1), ([400], 0),
    ])
    func theFirstThatIsNotFullOrTheEmptiest(_ seats: [Int], _ expected: Int) {
        #expect(LoopCrew.choice(seats) == expected)
    }

    @Test func aSeatIsGivenBack() throws {
        let crew = try LoopCrew(count: 2)
        var seats = (0..<100).map { _ in crew.seat() }
        let first = try #require(seats.first).loop
        #expect(seats.allSatisfy { $0.loop === first })
        seats.append(crew.seat())
        #expect(seats.last?.loop !== first)
        seats.removeFirst(2)
        #expect((0..<2).map { _ in crew.seat().loop === first } == [true, true])
        seats.append(crew.seat())
        seats.append(crew.seat())
        #expect(seats.suffix(2).allSatisfy { $0.loop === first })
        #expect(crew.seat().loop !== first)
        crew.stop()
    }
}
