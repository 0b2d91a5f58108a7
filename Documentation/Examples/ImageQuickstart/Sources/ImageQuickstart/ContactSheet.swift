import FineTune
import Pictures

/// Many small pictures on one page, each with lines of text below.
struct ContactSheet {
    private let columns: Int
    private var cells: [[UInt8]] = []
    private static let (side, margin, lines) = (160, 6, 2)
    private static let width = side + 2 * margin
    private static let height = side + 2 * margin + lines * Glyphs.lineHeight

    /// A page with so many pictures in a row.
    init(columns: Int) { self.columns = columns }

    /// Adds a picture, made smaller.
    mutating func add(_ picture: RGBImage, caption: [String]) {
        var cell = [UInt8](repeating: 255, count: Self.width * Self.height * 3)
        let scale = Double(Self.side) / Double(max(picture.height, picture.width))
        let small = picture.resized(
            height: max(1, Int(Double(picture.height) * scale)),
            width: max(1, Int(Double(picture.width) * scale)), interpolation: .bicubic)
        let left = (Self.width - small.width) / 2
        for row in 0..<small.height {
            let target = ((Self.margin + row) * Self.width + left) * 3
            let source = row * small.width * 3
            cell.replaceSubrange(
                target..<target + small.width * 3,
                with: small.pixels[source..<source + small.width * 3])
        }
        for (line, text) in caption.prefix(Self.lines).enumerated() {
            let top = Self.side + 2 * Self.margin + line * Glyphs.lineHeight
            for (row, column) in Glyphs.dots(of: text)
            where column < Self.width - 2 * Self.margin {
                let place = ((top + row) * Self.width + Self.margin + column) * 3
                cell.replaceSubrange(place..<place + 3, with: [0, 0, 0])
            }
        }
        cells.append(cell)
    }

    /// The page.
    func image() -> RGBImage {
        let rows = (cells.count + columns - 1) / columns
        let blank = [UInt8](repeating: 255, count: Self.width * 3)
        var pixels: [UInt8] = []
        for row in 0..<rows * Self.height {
            for column in 0..<columns {
                let index = row / Self.height * columns + column
                let start = row % Self.height * Self.width * 3
                let part = start..<start + blank.count
                pixels += index < cells.count ? cells[index][part] : blank[...]
            }
        }
        return RGBImage(height: rows * Self.height, width: columns * Self.width, pixels: pixels)
    }
}

/// Capital letters, digits and a few signs of three by five dots, each drawn twice as large.
private enum Glyphs {
    static let lineHeight = 14

    /// The rows of each character, from the top, and the dots of a row, from the left.
    private static let patterns: [Character: String] = [
        "A": "010101111101101", "B": "110101110101110", "C": "011100100100011",
        "D": "110101101101110", "E": "111100110100111", "F": "111100110100100",
        "G": "011100101101011", "H": "101101111101101", "I": "111010010010111",
        "J": "001001001101010", "K": "101101110101101", "L": "100100100100111",
        "M": "101111111101101", "N": "110101101101101", "O": "010101101101010",
        "P": "110101110100100", "Q": "010101101111011", "R": "110101110101101",
        "S": "011100010001110", "T": "111010010010010", "U": "101101101101111",
        "V": "101101101101010", "W": "101101111111101", "X": "101101010101101",
        "Y": "101101010010010", "Z": "111001010100111", "0": "111101101101111",
        "1": "010110010010111", "2": "110001010100111", "3": "110001010001110",
        "4": "101101111001001", "5": "111100110001110", "6": "011100111101111",
        "7": "111001010010010", "8": "111101111101111", "9": "111101111001110",
        "%": "101001010100101", "(": "001010010010001", ")": "100010010010100",
        ",": "000000000010100",
    ]

    /// The places to blacken for a line of text.
    static func dots(of text: String) -> [(row: Int, column: Int)] {
        text.uppercased().enumerated().flatMap { position, character in
            (patterns[character] ?? "").enumerated().filter { $0.element == "1" }.flatMap { dot in
                [(0, 0), (0, 1), (1, 0), (1, 1)].map { part in
                    (
                        row: dot.offset / 3 * 2 + part.0,
                        column: position * 8 + dot.offset % 3 * 2 + part.1
                    )
                }
            }
        }
    }
}
