import CPictures
public import FineTune

extension RGBImage {
    /// Decodes a PNG or a JPEG.
    ///
    /// Grey, palette and 16-bit pictures become 8 bits for red, green and blue; transparent pixels
    /// are mixed with the background. Colours stay as the file has them: profiles and gamma are not
    /// applied, as in the loaders that networks were trained with.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - reading: Limits and background.
    /// - Throws: ``PictureError`` without a path. No bytes make it crash, or take more memory than
    ///   the limits say.
    public init(
        decoding bytes: [UInt8], reading: PictureReading = PictureReading()
    ) throws(PictureError) {
        let decoded = bytes.withUnsafeBytes { buffer in
            Result { () throws(PictureError) in try Self.decoded(buffer, reading) }
        }
        self = try decoded.get()
    }

    private static func decoded(
        _ bytes: UnsafeRawBufferPointer, _ reading: PictureReading
    ) throws(PictureError) -> RGBImage {
        let format = try PictureFormat(of: bytes)
        let image =
            switch format {
            case .png:
                try decoded(
                    bytes, .png, reading, open: cp_png_open, read: cp_png_read, close: cp_png_close)
            case .jpeg:
                try decoded(
                    bytes, .jpeg, reading, open: cp_jpeg_open, read: cp_jpeg_read,
                    close: cp_jpeg_close)
            }
        guard reading.appliesOrientation else { return image }
        return image.oriented(PictureMetadata(of: bytes, format: format).orientation)
    }

    private static func decoded(
        _ bytes: UnsafeRawBufferPointer, _ format: PictureFormat, _ reading: PictureReading,
        open: (
            UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<cp_header>?,
            UnsafeMutablePointer<cp_failure>?
        ) -> OpaquePointer?,
        read: (
            OpaquePointer?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<cp_failure>?
        ) -> Bool,
        close: (OpaquePointer?) -> Void
    ) throws(PictureError) -> RGBImage {
        var (header, failure) = (cp_header(), cp_failure())
        let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        guard let reader = open(start, bytes.count, &header, &failure) else {
            throw PictureError(failure, format)
        }
        defer { close(reader) }
        let (width, height) = (Int(header.width), Int(header.height))
        guard max(width, height) <= 65_535 else {
            throw PictureError(.tooLong(width: width, height: height))
        }
        guard width * height <= reading.maximumPixels else {
            throw PictureError(
                .tooManyPixels(width: width, height: height, limit: reading.maximumPixels))
        }
        let byteCount = width * height * Int(header.channels)
        var isRead = false
        var pixels = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            isRead = read(reader, buffer.baseAddress, &failure)
            count = isRead ? byteCount : 0
        }
        guard isRead else { throw PictureError(failure, format) }
        if header.channels == 4 { blend(&pixels, with: reading.background) }
        return RGBImage(height: height, width: width, pixels: pixels)
    }

    /// Mixes pixels of four bytes, the last of them alpha, with a background, in their place.
    private static func blend(_ pixels: inout [UInt8], with color: PictureReading.Color) {
        let count = pixels.count / 4
        let background = (
            UInt32(color.red), UInt32(color.green), UInt32(color.blue)
        )
        pixels.withUnsafeMutableBufferPointer { pixels in
            for pixel in 0..<count {
                let (from, to) = (4 * pixel, 3 * pixel)
                let alpha = UInt32(pixels[from + 3])
                pixels[to] = mixed(pixels[from], background.0, alpha)
                pixels[to + 1] = mixed(pixels[from + 1], background.1, alpha)
                pixels[to + 2] = mixed(pixels[from + 2], background.2, alpha)
            }
        }
        pixels.removeLast(count)
    }

    private static func mixed(_ color: UInt8, _ background: UInt32, _ alpha: UInt32) -> UInt8 {
        UInt8(truncatingIfNeeded: (UInt32(color) * alpha + background * (255 - alpha) + 127) / 255)
    }
}

extension PictureError {
    /// What a decoder says.
    fileprivate init(_ failure: cp_failure, _ format: PictureFormat) {
        let message = withUnsafeBytes(of: failure.message) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        let problem: Problem =
            switch failure.reason {
            case CP_TRUNCATED: .truncated(format)
            case CP_UNSUPPORTED: .unsupported(format, message)
            case CP_CMYK: .cmyk
            case CP_NO_MEMORY: .outOfMemory
            default: .damaged(format, message)
            }
        self.init(problem)
    }
}
