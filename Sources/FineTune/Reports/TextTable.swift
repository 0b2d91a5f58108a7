/// A table for a terminal: the first column is aligned left, the others right.
struct TextTable {
    private var rows: [[String]]
    private let gap: String

    /// A table with this header and so many spaces between columns.
    init(header: [String], spacing: Int = 2) {
        rows = [header.map(\.withoutControls)]
        gap = String(repeating: " ", count: spacing)
    }

    /// Adds a row; a missing cell at its end is empty.
    mutating func append(_ row: [String]) { rows.append(row.map(\.withoutControls)) }

    /// The columns each line takes.
    var width: Int { columnWidths.reduce(0) { $0 + $1 + gap.count } - gap.count }

    private var columnWidths: [Int] {
        let count = rows.map(\.count).max() ?? 0
        return (0..<count).map { column in
            rows.map { column < $0.count ? $0[column].terminalWidth : 0 }.max() ?? 0
        }
    }

    /// The lines, without spaces at their ends.
    var lines: [String] {
        let widths = columnWidths
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += column == 0 ? "" : gap
                line += cell.padded(toTerminalWidth: widths[column], alignedRight: column > 0)
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
