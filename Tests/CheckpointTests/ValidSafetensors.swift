import Checkpoint
import Tensor

/// Small safetensors files that keep every rule, and differ in all that the rules leave open: the types,
/// shapes and number of tensors, their order in the header and in the data, the order of fields, further
/// fields, metadata, space, padding, and the spelling of texts.
struct ValidSafetensors {
    private var random: RandomStream
    /// The number of the next name, as none may appear twice.
    private var count = 0

    init(seed: UInt64) { random = RandomStream(seed: seed, stream: 0) }

    mutating func next() -> [UInt8] {
        var (members, end) = ([String](), 0)
        // A few files have many tensors.
        let tensors = chance(of: 20) ? number(below: 200) : number(below: 7)
        for _ in 0..<tensors { members.append(tensor(&end)) }
        if chance(of: 3) { members.append(metadata()) }
        members.shuffle(using: &random)
        let header = space() + object(members) + space() + padding()
        return safetensors(header, dataByteCount: end)
    }

    /// A member for a tensor whose data begin where those of the one before end.
    private mutating func tensor(_ end: inout Int) -> String {
        let type = element(of: SafetensorsFile.ElementType.allCases)
        var shape = (0..<number(below: chance(of: 10) ? 60 : 5)).map { _ in
            chance(of: 12) ? 0 : 1 + number(below: 3)
        }
        // Elements of less than a byte fill whole bytes only by fours.
        if type.bitCount < 8 { shape.append(4) }
        // Many dimensions would be many bytes.
        while shape.reduce(1, *) > 64 { shape = shape.map { min($0, 1) } + [4] }
        let begin = end
        end += shape.reduce(1, *) * type.bitCount / 8
        var fields = [
            "\"dtype\":" + space() + text(type.rawValue),
            "\"shape\":" + array(shape),
            "\"data_offsets\":" + array([begin, end]),
        ]
        if chance(of: 8) { fields.append("\"note\":" + value(depth: 3)) }
        fields.shuffle(using: &random)
        return text(name()) + space() + ":" + object(fields)
    }

    private mutating func metadata() -> String {
        let texts = (0..<number(below: 4)).map { _ in text(name()) + ":" + text(name()) }
        return "\"__metadata__\":" + (chance(of: 4) ? "null" : object(texts))
    }

    private mutating func name() -> String {
        count += 1
        let beginnings = ["", "layer.", "../", "é", "e\u{301}", "😀", "\0", "\"", "/"]
        return element(of: beginnings) + "\(count)"
    }

    // MARK: JSON

    /// A text in one of the spellings that it may have.
    private mutating func text(_ text: String) -> String {
        let escapes = chance(of: 4)
        let characters = text.unicodeScalars.map { scalar in
            if scalar.value < 0x20 || scalar == "\"" || escapes { return Self.escape(scalar) }
            return scalar == "/" && chance(of: 2) ? "\\/" : String(scalar)
        }
        return "\"" + characters.joined() + "\""
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        String(scalar).utf16.map { unit in
            let digits = String(unit, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }.joined()
    }

    private mutating func object(_ members: [String]) -> String {
        "{" + space() + list(members) + space() + "}"
    }

    private mutating func array(_ numbers: [Int]) -> String {
        "[" + space() + list(numbers.map { "\($0)" }) + space() + "]"
    }

    private mutating func list(_ parts: [String]) -> String {
        let comma = space() + "," + space()
        return parts.joined(separator: comma)
    }

    private mutating func value(depth: Int) -> String {
        switch number(below: depth > 0 ? 7 : 5) {
        case 0: "null"
        case 1: element(of: ["true", "false"])
        case 2: element(of: ["0", "-0", "1.5", "-2e-3", "1E+20", "18446744073709551616"])
        case 3: text(name())
        case 4: "[]"
        case 5: "[" + value(depth: depth - 1) + "," + value(depth: depth - 1) + "]"
        default: object([text(name()) + ":" + value(depth: depth - 1)])
        }
    }

    private mutating func space() -> String {
        chance(of: 6) ? element(of: [" ", "\n", "\r\n", "\t", "    "]) : ""
    }

    private mutating func padding() -> String {
        String(repeating: " ", count: chance(of: 2) ? number(below: 20) : 0)
    }

    // MARK: Numbers

    private mutating func chance(of count: Int) -> Bool { number(below: count) == 0 }

    private mutating func number(below bound: Int) -> Int {
        Int.random(in: 0..<bound, using: &random)
    }

    private mutating func element<Element>(of elements: [Element]) -> Element {
        elements[number(below: elements.count)]
    }
}
