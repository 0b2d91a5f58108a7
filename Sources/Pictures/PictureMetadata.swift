/// What a file says about its picture, beside the pixels.
///
/// Damage in it is not an error: what cannot be understood is not there.
public struct PictureMetadata: Sendable, Hashable {
    /// Who made it: the text `Author` or `Artist` of a PNG, the tag Artist of EXIF data. Nil if the
    /// file does not say.
    public private(set) var author: String?
    /// How it is to be turned (Exif 2.3, tag 0x0112), from 1 to 8; 1 is as it lies.
    public private(set) var orientation = 1

    /// The bytes of a text that may be an author's name. One name is kept for every picture.
    private static let longestText = 256

    /// Reads what stands in a file of this format.
    init(of bytes: UnsafeRawBufferPointer, format: PictureFormat) {
        switch format {
        case .png: readChunks(ByteReader(bytes))
        case .jpeg: readSegments(ByteReader(bytes))
        }
    }

    // MARK: PNG

    /// Length, name, content and checksum of each chunk (ISO/IEC 15948, section 5.3).
    private mutating func readChunks(_ file: ByteReader) {
        var place = PictureFormat.pngSignature.count
        while let length = file.big32(place), let name = file.bytes(place + 4, 4),
            let content = file.bytes(place + 8, length)
        {
            if name.elementsEqual("tEXt".utf8) { readText(content, isUTF8: false) }
            if name.elementsEqual("iTXt".utf8) { readText(content, isUTF8: true) }
            if name.elementsEqual("eXIf".utf8) { readExif(ByteReader(content)) }
            place += 12 + length
        }
    }

    /// A keyword and its text: Latin-1, or UTF-8 after two flags and two more strings.
    private mutating func readText(_ content: UnsafeRawBufferPointer, isUTF8: Bool) {
        guard content.count <= Self.longestText, let end = content.firstIndex(of: 0) else { return }
        let keyword = String(decoding: content[..<end], as: UTF8.self)
        guard keyword == "Author" || (keyword == "Artist" && author == nil) else { return }
        var text = content[(end + 1)...]
        if isUTF8 {
            // A compressed one might be a bomb, and an author needs no compression.
            guard text.first == 0 else { return }
            text = text.dropFirst(2)
            for _ in 0..<2 {
                guard let end = text.firstIndex(of: 0) else { return }
                text = text[(end + 1)...]
            }
            setAuthor(String(decoding: text, as: UTF8.self))
        } else {
            setAuthor(String(String.UnicodeScalarView(text.map { Unicode.Scalar($0) })))
        }
    }

    private mutating func setAuthor(_ text: String) {
        let trimmed = text.split { $0.isWhitespace || $0 == "\0" }.joined(separator: " ")
        author = trimmed.isEmpty ? nil : trimmed
    }

    // MARK: JPEG

    /// The segments before the first scan (ITU-T T.81, annex B.1).
    private mutating func readSegments(_ file: ByteReader) {
        var place = 2
        while file.byte(place) == 0xFF, let marker = file.byte(place + 1), marker != 0xDA {
            if marker == 0xFF {
                place += 1
                continue
            }
            guard let length = file.big16(place + 2), length >= 2 else { return }
            if marker == 0xE1, let content = file.bytes(place + 4, length - 2),
                content.starts(with: "Exif\0\0".utf8)
            {
                readExif(ByteReader(UnsafeRawBufferPointer(rebasing: content[6...])))
            }
            place += 2 + length
        }
    }

    // MARK: EXIF

    /// The first directory of a TIFF structure (Exif 2.3, section 4.6).
    private mutating func readExif(_ data: ByteReader) {
        let isLittle = data.byte(0) == UInt8(ascii: "I")
        func number16(_ place: Int) -> Int? {
            isLittle ? data.little16(place) : data.big16(place)
        }
        func number32(_ place: Int) -> Int? {
            isLittle ? data.little32(place) : data.big32(place)
        }
        guard number16(2) == 42, let directory = number32(4), let count = number16(directory)
        else { return }
        for entry in 0..<count {
            let place = directory + 2 + 12 * entry
            guard let tag = number16(place), let type = number16(place + 2),
                let size = number32(place + 4)
            else { return }
            if tag == 0x0112, type == 3, let value = number16(place + 8), (1...8).contains(value) {
                orientation = value
            }
            if tag == 0x013B, type == 2, size <= Self.longestText, let offset = number32(place + 8),
                let text = data.bytes(size > 4 ? offset : place + 8, size)
            {
                setAuthor(String(decoding: text, as: UTF8.self))
            }
        }
    }
}

/// Bytes that are asked for at any place; nil beyond their ends.
struct ByteReader {
    private let content: UnsafeRawBufferPointer

    init(_ content: UnsafeRawBufferPointer) { self.content = content }

    func bytes(_ place: Int, _ count: Int) -> UnsafeRawBufferPointer? {
        guard place >= 0, count >= 0, place <= content.count, count <= content.count - place else {
            return nil
        }
        return UnsafeRawBufferPointer(rebasing: content[place..<place + count])
    }

    func byte(_ place: Int) -> UInt8? { bytes(place, 1)?.first }

    func big16(_ place: Int) -> Int? {
        bytes(place, 2).map { Int($0[0]) << 8 | Int($0[1]) }
    }

    func little16(_ place: Int) -> Int? {
        bytes(place, 2).map { Int($0[1]) << 8 | Int($0[0]) }
    }

    func big32(_ place: Int) -> Int? {
        bytes(place, 4).map { $0.reduce(0) { $0 << 8 | Int($1) } }
    }

    func little32(_ place: Int) -> Int? {
        bytes(place, 4).map { $0.reversed().reduce(0) { $0 << 8 | Int($1) } }
    }
}
