import Checkpoint
public import FineTune
import Tensor

/// A picture in a file or in memory, which is decoded when it is needed.
///
/// Two pictures are equal if they have the same pixels, where these are known: of those in memory, and
/// of those that a reader of folders or tables has looked at. Otherwise a picture is known by its path, and
/// by how it is read.
/// So `deduplicated()` of a dataset removes the same picture under other names.
public struct Picture: Sendable {
    private enum Content: Sendable {
        case file(String)
        case bytes([UInt8])
        case image(RGBImage)
    }

    /// What a picture is known by.
    enum Identity: Sendable, Hashable {
        case path(String, PictureReading)
        case pixels(Fingerprint)
        case bytes(Fingerprint, PictureReading)

        /// The same in every process.
        var fingerprint: Fingerprint {
            switch self {
            case .path(let path, let reading):
                Fingerprint(of: [Fingerprint(path), Fingerprint(describing: reading)])
            case .bytes(let bytes, let reading):
                Fingerprint(of: [bytes, Fingerprint(describing: reading)])
            case .pixels(let pixels): pixels
            }
        }
    }

    private let content: Content
    let identity: Identity
    /// How it is read.
    public let reading: PictureReading
    /// Who made it, if the file says so and somebody looked.
    public private(set) var author: String?

    /// A picture in a PNG or JPEG file. Nothing is read yet.
    public init(_ path: String, reading: PictureReading = PictureReading()) {
        (content, identity, self.reading) = (.file(path), .path(path, reading), reading)
    }

    /// A picture in the bytes of a PNG or JPEG file. Nothing is decoded yet.
    public init(bytes: [UInt8], reading: PictureReading = PictureReading()) {
        let fingerprint = bytes.withUnsafeBytes { Fingerprint($0) }
        (content, identity) = (.bytes(bytes), .bytes(fingerprint, reading))
        self.reading = reading
    }

    /// A picture that is decoded, of any size.
    public init(_ image: RGBImage) {
        (content, identity) = (.image(image), .pixels(image.fingerprint))
        reading = PictureReading()
    }

    /// A picture in a file that is read and decoded once, to see that it can be, and to know it by its
    /// pixels. These are not kept.
    ///
    /// - Throws: ``PictureError``.
    public init(
        checking path: String, reading: PictureReading = PictureReading()
    ) throws(PictureError) {
        let bytes = try PictureFile.bytes(of: path, limit: reading.maximumBytes)
        let image: RGBImage
        do throws(PictureError) {
            image = try RGBImage(decoding: bytes, reading: reading)
        } catch {
            throw PictureError(error.problem, path: path)
        }
        (content, identity, self.reading) = (.file(path), .pixels(image.fingerprint), reading)
        author = try? PictureMetadata(of: bytes).author
    }

    /// Its file; nil if it is in memory.
    public var path: String? {
        if case .file(let path) = content { path } else { nil }
    }

    /// Its pixels, read and decoded now.
    ///
    /// - Throws: ``PictureError``.
    public func decoded() throws(PictureError) -> RGBImage {
        switch content {
        case .image(let image): return image
        case .bytes(let bytes): return try RGBImage(decoding: bytes, reading: reading)
        case .file(let path):
            let bytes = try PictureFile.bytes(of: path, limit: reading.maximumBytes)
            do throws(PictureError) {
                return try RGBImage(decoding: bytes, reading: reading)
            } catch {
                throw PictureError(error.problem, path: path)
            }
        }
    }
}

extension Picture: Hashable {
    /// Whether the pixels are the same, or as far as they are not known, the paths.
    public static func == (left: Picture, right: Picture) -> Bool {
        left.identity == right.identity
    }

    /// By what `==` compares.
    public func hash(into hasher: inout Hasher) { hasher.combine(identity) }
}

extension Picture: ExpressibleByStringLiteral {
    /// A picture in the file of this path.
    public init(stringLiteral path: String) { self.init(path) }
}

extension PictureMetadata {
    /// What the bytes of a file say about its picture.
    ///
    /// - Throws: ``PictureError`` if they are neither PNG nor JPEG.
    public init(of bytes: [UInt8]) throws(PictureError) {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(PictureError) in
                PictureMetadata(of: buffer, format: try PictureFormat(of: buffer))
            }
        }
        self = try result.get()
    }
}
