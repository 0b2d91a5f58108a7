extension PictureFormat {
    /// The format that the first bytes announce.
    ///
    /// - Throws: ``PictureError/Problem/empty`` or ``PictureError/Problem/unknownFormat(_:)``.
    init(of bytes: UnsafeRawBufferPointer) throws(PictureError) {
        if bytes.isEmpty { throw PictureError(.empty) }
        if bytes.starts(with: Self.pngSignature) {
            self = .png
        } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if bytes.count < 8, Self.pngSignature.starts(with: bytes) {
            throw PictureError(.truncated(.png))
        } else if bytes.count < 3, [0xFF, 0xD8, 0xFF].starts(with: bytes) {
            throw PictureError(.truncated(.jpeg))
        } else {
            throw PictureError(.unknownFormat(Self.otherFormat(of: bytes)))
        }
    }

    static let pngSignature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    /// What somebody might take for a picture that is read here.
    private static func otherFormat(of bytes: UnsafeRawBufferPointer) -> String? {
        func has(_ text: String, at offset: Int = 0) -> Bool {
            bytes.count >= offset && bytes[offset...].starts(with: text.utf8)
        }
        if has("GIF8") { return "GIF" }
        if has("RIFF"), has("WEBP", at: 8) { return "WebP" }
        if has("ftyp", at: 4) { return "a container such as HEIC or AVIF" }
        if has("BM") { return "BMP" }
        if has("II*\0") || has("MM\0*") { return "TIFF" }
        if has("%PDF") { return "PDF" }
        if has("<svg") || has("<?xml") { return "SVG or other XML" }
        if has("<!DOCTYPE") || has("<html") || has("<!doctype") { return "a web page" }
        if has("version https://git-lfs") { return "a pointer of Git LFS, without the file" }
        return nil
    }
}
