import CPictures
import Checkpoint
public import FineTune
import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension RGBImage {
    /// The picture as a PNG.
    ///
    /// - Throws: ``PictureError`` if it has no pixels or the memory does not suffice.
    public func png() throws(PictureError) -> [UInt8] {
        var (count, failure) = (0, cp_failure())
        guard height > 0, width > 0, let rows = UInt32(exactly: height),
            let columns = UInt32(exactly: width)
        else { throw PictureError(.unsupported(.png, "\(height) × \(width) pixels")) }
        guard let bytes = cp_png_encode(pixels, columns, rows, &count, &failure) else {
            throw PictureError(.outOfMemory)
        }
        defer { free(bytes) }
        return Array(UnsafeBufferPointer(start: bytes, count: count))
    }

    /// Writes the picture as a PNG file, whole or not at all.
    ///
    /// - Throws: ``PictureError``, `FileError`.
    public func writePNG(to path: String) throws { try AtomicFile.write(png(), to: path) }
}
