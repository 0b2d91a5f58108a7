public import Tensor

/// How a publisher brings pictures into the form that a network was trained with.
public struct ImageSpecification: Sendable, Hashable {
    /// How pixels between pixels are computed when a picture changes its size. Both widen their window
    /// when it shrinks (antialiasing), as Pillow does.
    public enum Interpolation: String, Sendable, Hashable, CaseIterable {
        /// From the two nearest along each axis.
        case bilinear
        /// From the four nearest along each axis, with a = −1/2 (Keys 1981).
        case bicubic
    }

    /// What happens to a picture whose sides have another ratio than the network's.
    public enum Resizing: String, Sendable, Hashable, CaseIterable {
        /// It keeps its ratio: the shorter side is brought to its size, and the middle is cut out.
        case shorterSide
        /// It is stretched: both sides are brought to their sizes, then the middle is cut out.
        case stretch
    }

    /// The number of rows that the network takes.
    public var height: Int
    /// The number of pixels in a row that the network takes.
    public var width: Int
    /// Subtracted from red, green and blue, which lie in 0...1.
    public var mean: [Double]
    /// What the differences are divided by.
    public var standardDeviation: [Double]
    /// How a picture is brought to its size.
    public var interpolation: Interpolation
    /// What happens to other ratios of sides.
    public var resizing: Resizing
    /// The part of each side of the resized picture that is cut out, from 0.01 to 1 for all.
    public var cropFraction: Double

    /// A specification; the defaults are those of torchvision's networks for ImageNet.
    ///
    /// - Precondition: The size is positive, there is a mean and a positive deviation for each of the
    ///   three colours, and the fraction lies between 0.01 and 1.
    public init(
        height: Int = 224, width: Int = 224, mean: [Double] = Self.imageNetMean,
        standardDeviation: [Double] = Self.imageNetDeviation,
        interpolation: Interpolation = .bilinear, resizing: Resizing = .shorterSide,
        cropFraction: Double = 0.875
    ) {
        precondition(
            height > 0 && width > 0 && mean.count == 3 && standardDeviation.count == 3
                && standardDeviation.allSatisfy { $0 > 0 }
                && Self.cropFractions.contains(cropFraction),
            "no network takes pictures of \(height) by \(width), mean \(mean), deviation "
                + "\(standardDeviation) and crop \(cropFraction)")
        (self.height, self.width) = (height, width)
        (self.mean, self.standardDeviation) = (mean, standardDeviation)
        (self.interpolation, self.resizing) = (interpolation, resizing)
        self.cropFraction = cropFraction
    }

    /// What may be cut out: with less, a picture would be resized to something enormous first.
    static let cropFractions = 0.01...1
    /// Sides beyond this make no sense.
    static let sides = 1...1 << 14

    /// The mean of red, green and blue over ImageNet.
    public static let imageNetMean = [0.485, 0.456, 0.406]
    /// The standard deviation of red, green and blue over ImageNet.
    public static let imageNetDeviation = [0.229, 0.224, 0.225]

    /// What a picture is resized to before the middle is cut out: both sides, or with
    /// ``Resizing/shorterSide`` the least that they are. Rounded down, as publishers do.
    public var resizedSize: (height: Int, width: Int) {
        // A fraction such as 240 / 272 must lead back to 272.
        let side = { (length: Int) in Int(Double(length) / cropFraction + 1e-6) }
        return (side(height), side(width))
    }

    /// Pictures as a network takes them: `(value / 255 − mean) / standardDeviation`.
    ///
    /// - Parameter images: Pictures of ``height`` by ``width``.
    /// - Returns: `float32`, shape `[images.count, height, width, 3]`.
    /// - Precondition: All pictures have this size.
    public func normalized(_ images: [RGBImage]) -> Tensor {
        for image in images {
            precondition(
                image.height == height && image.width == width,
                "a picture of \(image.height) by \(image.width) for \(height) by \(width)")
        }
        // A row for each of the three colours.
        var table: [Float] = []
        for channel in 0..<3 {
            let (middle, scale) = (255 * mean[channel], 255 * standardDeviation[channel])
            for value in 0..<256 { table.append(Float((Double(value) - middle) / scale)) }
        }
        let count = height * width * 3
        let numbers = [Float](unsafeUninitializedCapacity: images.count * count) { target, filled in
            table.withUnsafeBufferPointer { (table: UnsafeBufferPointer<Float>) in
                for (index, image) in images.enumerated() {
                    image.pixels.withUnsafeBufferPointer { (pixels: UnsafeBufferPointer<UInt8>) in
                        for at in stride(from: 0, to: count, by: 3) {
                            for channel in 0..<3 {
                                target[index * count + at + channel] =
                                    table[256 * channel + Int(pixels[at + channel])]
                            }
                        }
                    }
                }
            }
            filled = images.count * count
        }
        return Tensor(numbers, shape: [images.count, height, width, 3])
    }
}
