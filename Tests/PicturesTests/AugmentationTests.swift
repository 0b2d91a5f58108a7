import Checkpoint
import FineTune
@testable import Pictures
import TestSupport
import Testing

@Suite("Augmentation")
struct AugmentationTests {
    private let specification = ImageSpecification(height: 24, width: 32, cropFraction: 1)

    private func preparation(_ augmentation: Augmentation) -> PicturePreparation {
        PicturePreparation(ImagePreparation(specification), augmentation: augmentation)
    }

    /// The pixels of sample 5 in an epoch.
    private func pixels(
        _ augmentation: Augmentation, epoch: Int, number: Int = 5, seed: UInt64 = 1
    ) throws -> [UInt8] {
        let preparation = preparation(augmentation)
        let item = try preparation.prepared(Picture(Samples.image(5, label: "red")))
        let chance = Chance(seed: seed, epoch: epoch, number: number)
        let image = try preparation.loaded(preparation.varied(item, by: chance)).image
        return try #require(image).pixels
    }

    @Test("Seed, epoch and example decide what becomes of a picture")
    func isDeterministic() throws {
        let augmentation = Samples.everything
        let first = try pixels(augmentation, epoch: 1)
        #expect(try pixels(augmentation, epoch: 1) == first)
        #expect(try pixels(augmentation, epoch: 2) != first)
        #expect(try pixels(augmentation, epoch: 1, number: 6) != first)
        #expect(try pixels(augmentation, epoch: 1, seed: 2) != first)
    }

    @Test("A shape that no picture has leaves the picture whole")
    func survivesExtremeShapes() throws {
        let crop = Augmentation(crop: .init(ratio: 1e40...1e300))
        #expect(try pixels(crop, epoch: 1) == pixels(.none, epoch: 1))
    }

    @Test("Of a limited number of forms each returns, and of others none")
    func returnsVariants() throws {
        var augmentation = Samples.everything
        augmentation.variants = 3
        let forms = try (1...9).map { try pixels(augmentation, epoch: $0) }
        #expect(Set(forms).count == 3)
        #expect(forms[0] == forms[3] && forms[2] == forms[8])
        #expect(Set(try (1...9).map { try pixels(Samples.everything, epoch: $0) }).count == 9)
    }

    @Test("A picture has a key while it may return")
    func hasKeys() throws {
        let item = try preparation(.none).prepared(Picture(Samples.image(5, label: "red")))
        func key(_ augmentation: Augmentation, epoch: Int) -> PicturePreparation.FeatureKey? {
            let preparation = preparation(augmentation)
            return preparation.featureKey(
                of: preparation.varied(item, by: Chance(seed: 1, epoch: epoch, number: 2)))
        }
        let two = Augmentation(flips: true, variants: 2)
        #expect(key(.none, epoch: 1) != nil && key(.none, epoch: 1) == key(.none, epoch: 2))
        #expect(key(two, epoch: 1) != nil && key(two, epoch: 1) == key(two, epoch: 3))
        #expect(key(two, epoch: 1) != key(two, epoch: 2))
        #expect(key(.standard, epoch: 1) == nil)
    }

    @Test("Half of the pictures are mirrored, and nothing else")
    func flips() throws {
        let plain = try pixels(.none, epoch: 1)
        let mirrored = RGBImage(height: 24, width: 32, pixels: plain).flipped().pixels
        let forms = try (1...400).map { try pixels(Augmentation(flips: true), epoch: $0) }
        let count = forms.count { $0 == mirrored }
        // 200 ± 10 is one standard deviation.
        #expect((150...250).contains(count))
        #expect(forms.allSatisfy { $0 == mirrored || $0 == plain })
    }

    @Test("Erasing covers as much as was said with the colour that becomes 0")
    func erases() throws {
        let plain = try pixels(.none, epoch: 1)
        let erasing = Augmentation.Erasing(probability: 1, area: 0.1...0.3)
        let color = specification.meanColor
        for epoch in 1...50 {
            let erased = try pixels(Augmentation(erasing: erasing), epoch: epoch)
            let places = stride(from: 0, to: erased.count, by: 3).filter {
                erased[$0..<$0 + 3] != plain[$0..<$0 + 3]
            }
            #expect((0.08...0.33).contains(Double(places.count * 3) / Double(plain.count)))
            #expect(places.allSatisfy { Array(erased[$0..<$0 + 3]) == color })
        }
    }

    @Test("A crop shows a part: of a ramp, a shorter and still even one")
    func crops() throws {
        // Levels rise by one in each column.
        let ramp = RGBImage(
            height: 100, width: 200,
            pixels: (0..<100).flatMap { _ in (0..<200).flatMap { [UInt8](repeating: $0, count: 3) }
            })
        let crop = Augmentation(crop: .init(area: 0.25...0.5))
        var lefts: Set<UInt8> = []
        for stream in 0..<50 as Range<UInt64> {
            let image = crop.applied(to: ramp, for: specification, stream: stream)
            #expect((image.height, image.width) == (24, 32))
            let row = stride(from: 0, to: 96, by: 3).map { Int(image.pixels[$0]) }
            let length = Double(row[31] - row[0]) / 31 * 32
            // A half to a quarter of 20,000 pixels, 3 : 4 to 4 : 3, is 61 to 115 pixels wide.
            #expect((59...118).contains(length))
            #expect(row == row.sorted())
            lefts.insert(image.pixels[0])
        }
        #expect(lefts.count > 20)
    }

    @Test("Mixing has a partner for each and a share", arguments: [0.2, 1.0, 5.0])
    func mixes(_ alpha: Double) throws {
        for mixing in [Augmentation.Mixing.mixup(alpha: alpha), .cutmix(alpha: alpha)] {
            let preparation = preparation(Augmentation(mixing: mixing))
            var shares: [Double] = []
            for number in 0..<200 {
                let chance = Chance(seed: 1, epoch: 1, number: number)
                let mixing = try #require(preparation.mixing(of: 8, by: chance))
                #expect(mixing.partners.sorted() == Array(0..<8))
                #expect((0...1).contains(mixing.share))
                #expect(preparation.mixing(of: 8, by: chance) == mixing)
                shares.append(mixing.share)
            }
            #expect(Set(shares).count > 50)
            guard case .mixup = mixing else { continue }
            // Beta(α, α) has the mean 1/2 and the variance 1 / (8 α + 4).
            let mean = shares.reduce(0, +) / 200
            let variance = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 199
            #expect(abs(mean - 0.5) < 0.1)
            #expect(abs(variance * (8 * alpha + 4) - 1) < 0.3)
        }
    }

    @Test("0 forms and an α of 0 are as good as none")
    func isOffAtZero() throws {
        var unlimited = Samples.everything
        unlimited.variants = 0
        let forms = try (1...9).map { try pixels(unlimited, epoch: $0) }
        #expect(Set(forms).count == 9)
        let preparation = preparation(unlimited)
        let item = try preparation.prepared(Picture(Samples.image(5, label: "red")))
        let chance = Chance(seed: 1, epoch: 1, number: 2)
        #expect(preparation.featureKey(of: preparation.varied(item, by: chance)) == nil)
        for mixing in [Augmentation.Mixing.mixup(alpha: 0), .cutmix(alpha: 0)] {
            let preparation = self.preparation(Augmentation(mixing: mixing))
            #expect(preparation.mixing(of: 8, by: chance) == nil)
        }
    }

    @Test("Numbers that make no sense are refused where they are set")
    func refusesNumbers() async {
        await #expect(processExitsWith: .failure) {
            var augmentation = Augmentation()
            augmentation.variants = -1
            _ = augmentation
        }
        await #expect(processExitsWith: .failure) {
            var augmentation = Augmentation()
            augmentation.mixing = .mixup(alpha: .nan)
            _ = augmentation
        }
        await #expect(processExitsWith: .failure) {
            var augmentation = Augmentation.standard
            augmentation.crop?.area = -1...1
            _ = augmentation
        }
    }

    @Test("The share of a picture is that of its pixels")
    func sharesPixels() throws {
        let preparation = preparation(Augmentation(mixing: .cutmix(alpha: 1)))
        let items = try [10, 200].map { level -> PicturePreparation.Item in
            let image = RGBImage(
                height: 24, width: 32, pixels: .init(repeating: UInt8(level), count: 24 * 32 * 3))
            return try preparation.loaded(preparation.prepared(Picture(image)))
        }
        for number in 0..<40 {
            let chance = Chance(seed: 3, epoch: 1, number: number)
            let mixing = try #require(preparation.mixing(of: 2, by: chance))
            guard mixing.partners == [1, 0] else { continue }
            let mixed = preparation.mixed(items, by: mixing)
            let own = try #require(mixed[0].image).pixels.count { $0 == 10 }
            #expect(abs(Double(own) / 2304 - mixing.share) < 1e-12)
            #expect(preparation.featureKey(of: mixed[0]) == nil)
        }
        let half = BatchMixing(partners: [1, 0], share: 0.75)
        let blended = try #require(preparation.mixed(items, by: half)[0].image)
        // 0.75 · 10 + 0.25 · 200 = 57.5
        #expect(blended.pixels.allSatisfy { $0 == 58 })
    }
}
