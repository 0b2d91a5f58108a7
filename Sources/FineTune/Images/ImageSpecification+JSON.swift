import Checkpoint

extension ImageSpecification {
    /// As Transformers writes it into `preprocessor_config.json`, and for what is not square the part
    /// that is cut out as `crop_pct`: Transformers resizes to squares, or to sizes of any ratio but
    /// the picture's.
    var processorSettings: JSON.Object {
        let (rows, columns) = resizedSize
        let stretches = resizing == .stretch
        let numbers = { (values: [Double]) in JSON.array(values.map { JSON($0) }) }
        var settings: JSON.Object = [
            "do_resize": true,
            "size": stretches
                ? ["height": JSON(rows), "width": JSON(columns)]
                : ["shortest_edge": JSON(min(rows, columns))],
            "resample": JSON(interpolation == .bilinear ? 2 : 3),
            "do_center_crop": true,
            "crop_size": ["height": JSON(height), "width": JSON(width)],
            "do_rescale": true,
            "rescale_factor": JSON(1.0 / 255),
            "do_normalize": true,
            "image_mean": numbers(mean),
            "image_std": numbers(standardDeviation),
            "image_processor_type": stretches ? "DeiTImageProcessor" : "BitImageProcessor",
        ]
        if height != width { settings["crop_pct"] = JSON(cropFraction) }
        return settings
    }

    /// What a `preprocessor_config.json` of Transformers says.
    ///
    /// - Parameters:
    ///   - settings: The content of the file.
    ///   - path: The file, for messages.
    /// - Throws: ``PretrainedFolderError`` if a setting is impossible or cannot be honoured.
    init(processor settings: JSON, path: String) throws {
        let reader = Reader(settings: settings, path: path)
        let type =
            settings["image_processor_type"]?.string ?? settings["feature_extractor_type"]?.string
            ?? ""
        let (mean, deviation) = try reader.normalization()
        let interpolation = try reader.interpolation()
        let isConvNeXt = type.hasPrefix("ConvNext")
        var (size, stretches) = try reader.size(isSquare: !isConvNeXt)
        var (crop, key) = (size, "size")
        var fraction = 1.0
        if isConvNeXt, size.height >= 384 {
            // Nothing is cut out of such large pictures (`resize` of ConvNextImageProcessor).
            stretches = true
        } else if reader.crops, let cut = try reader.cropSize(), cut.height != cut.width,
            let part = settings["crop_pct"]?.double
        {
            // Of a size that is not square, 'size' may hold a single side, see `processorSettings`.
            (crop, key, fraction) = (cut, "crop_size", try reader.part(part))
        } else if !stretches, let part = settings["crop_pct"]?.double ?? reader.crop(of: type) {
            // ConvNeXt's processor, which ResNets use too, names the size of what is cut out.
            fraction = try reader.part(part)
        } else if reader.crops, let cut = try reader.cropSize() {
            fraction = Double(cut.height) / Double(size.height)
            guard cut.width <= size.width, ImageSpecification.cropFractions.contains(fraction)
            else {
                throw reader.unusable(
                    "crop_size", "no more than 'size' and no less than a hundredth of it", "\(cut)")
            }
            guard cut.height * size.width == cut.width * size.height else {
                throw reader.unusable("crop_size", "the ratio of sides that 'size' has", "\(cut)")
            }
            (crop, key) = (cut, "crop_size")
        }
        try reader.check(crop, key)
        self.init(
            height: crop.height, width: crop.width, mean: mean, standardDeviation: deviation,
            interpolation: interpolation, resizing: stretches ? .stretch : .shorterSide,
            cropFraction: fraction)
    }

    /// What timm's `pretrained_cfg` says.
    ///
    /// - Parameters:
    ///   - settings: The content of the object.
    ///   - path: The file, for messages.
    ///   - base: What holds where it says nothing.
    /// - Throws: ``PretrainedFolderError`` if a setting is impossible or cannot be honoured.
    init(timm settings: JSON, path: String, otherwise base: ImageSpecification) throws {
        let reader = Reader(settings: settings, path: path)
        self = base
        if let size = settings["input_size"]?.array {
            guard size.count == 3, size[0].int == 3, let rows = size[1].int,
                let columns = size[2].int, Reader.sides.contains(rows),
                Reader.sides.contains(columns)
            else { throw reader.unusable("input_size", "3, a height and a width", "\(size)") }
            try reader.check((rows, columns), "input_size")
            (height, width) = (rows, columns)
        }
        if settings["mean"] != nil { mean = try reader.triple("mean") }
        if settings["std"] != nil { standardDeviation = try reader.deviation("std") }
        if let name = settings["interpolation"] {
            guard let kind = name.string.flatMap(Interpolation.init(rawValue:)) else {
                throw reader.unusable(
                    "interpolation", "bilinear or bicubic", name.serialized())
            }
            interpolation = kind
        }
        if let part = settings["crop_pct"] {
            cropFraction = try reader.part(part.double ?? .nan)
        }
        if let mode = settings["crop_mode"]?.string {
            guard mode == "center" || mode == "squash" else {
                throw reader.unusable("crop_mode", "center or squash", mode)
            }
            resizing = mode == "center" ? .shorterSide : .stretch
        }
    }

    /// As timm writes it into `pretrained_cfg`.
    var timmSettings: JSON.Object {
        let numbers = { (values: [Double]) in JSON.array(values.map { JSON($0) }) }
        return [
            "input_size": [3, JSON(height), JSON(width)],
            "interpolation": JSON(interpolation.rawValue),
            "crop_pct": JSON(cropFraction),
            "crop_mode": resizing == .shorterSide ? "center" : "squash",
            "mean": numbers(mean),
            "std": numbers(standardDeviation),
        ]
    }
}

/// Reads settings of pictures.
private struct Reader {
    let settings: JSON
    let path: String

    static let sides = ImageSpecification.sides

    typealias Size = (height: Int, width: Int)

    func unusable(_ key: String, _ expected: String, _ found: String) -> PretrainedFolderError {
        .unreadable("'\(path)' should have \(expected) as '\(key)', but has \(found)")
    }

    /// The part that is cut out of a picture.
    func part(_ value: Double) throws -> Double {
        guard ImageSpecification.cropFractions.contains(value) else {
            throw unusable("crop_pct", "a part from 0.01 to 1", "\(value)")
        }
        return value
    }

    private func isOn(_ key: String, absent: Bool = true) -> Bool {
        settings[key]?.bool ?? absent
    }

    func triple(_ key: String) throws -> [Double] {
        let values = settings[key]?.array?.compactMap(\.double) ?? []
        guard values.count == 3, values.allSatisfy(\.isFinite) else { throw noTriple(key) }
        return values
    }

    /// What differences of values in 0...1 are divided by, where the file counts in `unit`. Two levels
    /// of a colour are 1/255 apart: far below that, numbers would only grow without bound.
    func deviation(_ key: String, unit: Double = 1) throws -> [Double] {
        let values = try triple(key).map { $0 * unit }
        guard values.allSatisfy({ $0 >= 1e-6 }) else {
            throw noTriple(key, "of at least a millionth of the range of colours")
        }
        return values
    }

    private func noTriple(_ key: String, _ kind: String = "") -> PretrainedFolderError {
        unusable(
            key, kind.isEmpty ? "three numbers" : "three numbers \(kind)",
            settings[key]?.serialized() ?? "no such setting")
    }

    /// Mean and deviation of values in 0...1.
    func normalization() throws -> ([Double], [Double]) {
        if let factor = settings["rescale_factor"]?.double, isOn("do_rescale") {
            guard abs(factor * 255 - 1) < 1e-6 else {
                throw unusable("rescale_factor", "1/255", "\(factor)")
            }
        }
        let unit = isOn("do_rescale") ? 1 : 1.0 / 255
        guard isOn("do_normalize") else {
            return ([0, 0, 0], [unit, unit, unit])
        }
        // Values that are not rescaled have a mean in 0...255.
        return (
            try triple("image_mean").map { $0 * unit },
            try deviation("image_std", unit: unit)
        )
    }

    func interpolation() throws -> ImageSpecification.Interpolation {
        guard let value = settings["resample"] else { return .bilinear }
        switch value.int {
        case 2: return .bilinear
        case 3: return .bicubic
        default: throw unusable("resample", "2 (bilinear) or 3 (bicubic)", value.serialized())
        }
    }

    private func side(_ value: JSON?, _ key: String) throws -> Int {
        guard let side = value?.int, Self.sides.contains(side) else {
            throw unusable(
                key, "sides from \(Self.sides.lowerBound) to \(Self.sides.upperBound)",
                value?.serialized() ?? "none")
        }
        return side
    }

    /// Checks what the network takes, which every picture becomes.
    func check(_ size: Size, _ key: String) throws {
        guard size.height * size.width <= PretrainedFolder.pixelLimit else {
            throw unusable(
                key, "a size of at most \(PretrainedFolder.pixelLimit) pixels",
                "\(size.height) by \(size.width)")
        }
    }

    /// What is resized to, and whether that ignores the ratio of sides.
    func size(isSquare: Bool) throws -> (Size, stretches: Bool) {
        guard let value = settings["size"] else { return ((224, 224), true) }
        if value.int != nil {
            let length = try side(value, "size")
            return ((length, length), isSquare)
        }
        if let shortest = value["shortest_edge"] {
            let length = try side(shortest, "size")
            return ((length, length), false)
        }
        return ((try side(value["height"], "size"), try side(value["width"], "size")), true)
    }

    /// The part that ConvNeXt's processor cuts out if the file does not say it.
    func crop(of type: String) -> Double? { type.hasPrefix("ConvNext") ? 0.875 : nil }

    var crops: Bool { isOn("do_center_crop", absent: settings["crop_size"] != nil) }

    func cropSize() throws -> Size? {
        guard let value = settings["crop_size"] else { return nil }
        if value.int != nil {
            let length = try side(value, "crop_size")
            return (length, length)
        }
        return (try side(value["height"], "crop_size"), try side(value["width"], "crop_size"))
    }
}
