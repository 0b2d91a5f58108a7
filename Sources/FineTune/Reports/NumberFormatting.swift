extension Double {
    /// The number with exactly so many digits after the point, correctly rounded, ties to even:
    /// what C's `printf("%.*f")` writes. Beyond 2⁶³, the shortest exact spelling.
    ///
    /// - Precondition: `decimals` lies in 0...15.
    package func formatted(decimals: Int) -> String {
        precondition((0...15).contains(decimals), "\(decimals) decimals cannot be shown")
        guard isFinite, magnitude < 0x1p63 else { return isNaN ? "nan" : description }
        let scale = (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
        var whole = UInt64(magnitude.rounded(.towardZero))
        let part = magnitude - magnitude.rounded(.towardZero)
        // part · scale in two exact pieces, so that a tie is seen only where there is one.
        let product = part * scale
        let error = (-product).addingProduct(part, scale)
        var digits = product.rounded(.down)
        let excess = (product - digits) - 0.5
        let isOdd = decimals == 0 ? whole % 2 == 1 : digits.truncatingRemainder(dividingBy: 2) == 1
        if excess + error > 0 || excess == 0 && error == 0 && isOdd { digits += 1 }
        if digits >= scale {
            digits -= scale
            whole += 1
        }
        let sign = self.sign == .minus ? "-" : ""
        guard decimals > 0 else { return "\(sign)\(whole)" }
        let tail = String(UInt64(digits))
        let zeros = String(repeating: "0", count: decimals - tail.count)
        return "\(sign)\(whole).\(zeros)\(tail)"
    }

    /// The number with a power of ten, such as `1.50e-04`.
    package func formattedScientific(decimals: Int) -> String {
        guard isFinite, self != 0 else { return formatted(decimals: decimals) }
        var (mantissa, exponent) = (magnitude, 0)
        while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
        while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
        var digits = mantissa.formatted(decimals: decimals)
        if digits.hasPrefix("10") {
            digits = 1.0.formatted(decimals: decimals)
            exponent += 1
        }
        let power = String(exponent.magnitude)
        let zero = power.count < 2 ? "0" : ""
        return "\(self < 0 ? "-" : "")\(digits)e\(exponent < 0 ? "-" : "+")\(zero)\(power)"
    }

    /// A length of time in seconds, such as `0.4 s`, `12 s`, `1 min 12 s` or `2 h 5 min`.
    package var formattedAsSeconds: String {
        guard isFinite, self >= 0, self < 1e15 else { return "?" }
        if self < 9.95 { return formatted(decimals: 1) + " s" }
        let seconds = Int(rounded())
        let (minutes, hours) = (seconds / 60, (seconds + 30) / 3600)
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3600 {
            return seconds % 60 == 0 ? "\(minutes) min" : "\(minutes) min \(seconds % 60) s"
        }
        let rest = (seconds + 30) % 3600 / 60
        if hours < 24 { return rest == 0 ? "\(hours) h" : "\(hours) h \(rest) min" }
        let days = (seconds + 1800) / 86400
        let restHours = (seconds + 1800) % 86400 / 3600
        return restHours == 0 ? "\(days) d" : "\(days) d \(restHours) h"
    }
}

extension Int {
    /// A number of bytes in units of a thousand, such as `512 MB` or `1.5 GB`.
    package var formattedAsBytes: String {
        var (amount, unit) = (Double(self), 0)
        let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"]
        // What would be rounded to 1000 belongs to the next unit.
        while amount.magnitude >= 999.5, unit < units.count - 1 {
            (amount, unit) = (amount / 1000, unit + 1)
        }
        let decimals = unit > 0 && amount.magnitude < 9.95 ? 1 : 0
        return "\(amount.formatted(decimals: decimals)) \(units[unit])"
    }
}

extension Int {
    /// The number with a comma before every three digits, such as `22,713,216`.
    package var grouped: String {
        let digits = Array(String(magnitude))
        let groups = digits.indices.map { index in
            (index > 0 && (digits.count - index) % 3 == 0 ? "," : "") + String(digits[index])
        }
        return (self < 0 ? "-" : "") + groups.joined()
    }
}
