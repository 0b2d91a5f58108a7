import Checkpoint
import Testing

@Suite struct JSONValueTests {
    @Test(
        arguments: [
            ("0", 0), ("-1", -1), ("9223372036854775807", Int.max),
            ("-9223372036854775808", Int.min), ("9223372036854775808", nil), ("-0", nil),
            ("1.0", nil), ("1e0", nil), ("1E2", nil),
        ] as [(String, Int?)])
    func integersAreExact(_ text: String, _ expected: Int?) throws {
        #expect(try JSON(parsing: text).int == expected)
    }

    @Test(
        arguments: [
            ("1e-12", 1e-12), ("0.1", 0.1), ("-0", -0.0), ("2", 2.0), ("1E+2", 100.0),
            ("5e-324", Double.leastNonzeroMagnitude), ("1e400", nil),
        ] as [(String, Double?)])
    func doublesAreNearest(_ text: String, _ expected: Double?) throws {
        #expect(try JSON(parsing: text).double == expected)
    }

    @Test func numbersKeepTheirSpelling() throws {
        let text = "[1,1.0,1e0,-0,100000000000000000000000,0.10]"
        #expect(try JSON(parsing: text).serialized() == text)
        #expect(JSON(UInt64.max).serialized() == "18446744073709551615")
        #expect(try JSON(parsing: "18446744073709551615") == JSON(UInt64.max))
        let number = try #require(JSON.Number(1e-5))
        #expect(number.integer(as: UInt8.self) == nil && number.double == 1e-5)
        #expect(JSON(Double.nan).isNull && JSON(-Double.infinity).isNull)
    }

    @Test func canonicallyEqualKeysAreTwo() throws {
        let object = try #require(try JSON(parsing: "{\"\u{E9}\":1,\"e\u{301}\":2}").object)
        #expect(object.count == 2)
        #expect(object["\u{E9}"] == 1 && object["e\u{301}"] == 2)
        #expect(JSON.string("\u{E9}") != JSON.string("e\u{301}"))
    }

    @Test(arguments: [3, 9, 1000]) func objectsFindEveryMember(count: Int) throws {
        var object = JSON.Object()
        for index in 0..<count { object["key\(index)"] = JSON(index) }
        object["key1"] = "replaced"
        object["key0"] = nil
        object["absent"] = nil
        #expect(object.count == count - 1 && object["key0"] == nil && object["key"] == nil)
        #expect(object.keys == (1..<count).map { "key\($0)" })
        #expect(object["key1"] == "replaced")
        for index in 2..<count { #expect(object["key\(index)"]?.int == index) }
        #expect(try JSON(parsing: JSON.object(object).serialized()) == .object(object))
        #expect(JSON.Object(object.reversed()) == object)
    }

    @Test func subscriptsOfTheWrongKindAreNil() {
        let value: JSON = ["a": [1, nil]]
        #expect(value["a"]?[0] == 1 && value["a"]?[1]?.isNull == true)
        #expect(value["b"] == nil && value["a"]?[2] == nil && value[0] == nil)
        #expect(value["a"]?["b"] == nil && value.string == nil && value.array == nil)
    }

    @Test func writesTextThatEscapesWhatItMust() throws {
        let everyControl = String(decoding: Array(UInt8(0)..<0x20), as: UTF8.self)
        let value: JSON = ["\"\\/é😀\u{2028}": .string(everyControl), "empty": [[:], []]]
        let text = value.serialized()
        #expect(text.hasPrefix("{\"\\\"\\\\/é😀\u{2028}\":\"\\u0000\\u0001"))
        #expect(text.contains("\\b\\t\\n\\u000b\\f\\r\\u000e") && text.contains("\\u001f\""))
        #expect(try JSON(parsing: text) == value)
    }

    @Test func prettyTextIsIndentedByTwo() {
        let value: JSON = ["a": [1, 2.5], "b": [:], "c": ["d": nil]]
        #expect(
            value.serialized(pretty: true) == """
                {
                  "a": [
                    1,
                    2.5
                  ],
                  "b": {},
                  "c": {
                    "d": null
                  }
                }
                """)
    }
}
