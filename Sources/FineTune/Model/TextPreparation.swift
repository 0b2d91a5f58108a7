import Autograd
public import Checkpoint
public import Layers
import Tensor

/// Turns texts into tokens, once, and packs those of a batch one after the other.
public struct TextPreparation: Preparation {
    /// The tokenizer of the pretrained model.
    public let tokenizer: any Tokenizer
    /// The most tokens of one text, special ones included. Longer texts are cut, and counted.
    public let maximumLength: Int
    /// What the model's position table has room for, and how many token types it has.
    private let model: (longest: Int, types: Int)
    /// The model's folder, for messages.
    private let folder: String
    /// The tokenizer's files, mapped: they can be saved even if the folder is gone by then.
    private let files: [(name: String, file: MappedFile)]

    /// What the files of a tokenizer are called.
    static let fileNames = [
        "tokenizer.json", "vocab.txt", "tokenizer_config.json", "special_tokens_map.json",
        "vocab.json", "merges.txt",
    ]

    /// The preparation that a model's folder describes.
    ///
    /// - Parameters:
    ///   - folder: The folder with the tokenizer.
    ///   - configuration: Says how many tokens the model takes and how many ids it knows.
    ///   - maximumLength: The most tokens of one text. By default what the folder's
    ///     `sentence_bert_config.json` says, else what the model's position table has room for,
    ///     which is also the upper limit.
    /// - Throws: ``ModelError`` if the folder has no tokenizer that is supported or it does not fit
    ///   the model.
    public init(
        _ folder: PretrainedFolder, configuration: TransformerConfiguration,
        maximumLength: Int? = nil
    ) throws {
        tokenizer = try PretrainedTokenizer.load(from: folder.path)
        guard tokenizer.vocabularySize <= configuration.vocabularySize else {
            throw ModelError.vocabulary(
                folder.path, tokenizer: tokenizer.vocabularySize,
                model: configuration.vocabularySize)
        }
        model = (configuration.maximumLength, configuration.tokenTypes)
        self.folder = folder.path
        let suggested = try folder.json("sentence_bert_config.json")?["max_seq_length"]?.int
        let own = folder.configuration["swift_finetune"]?["maximum_length"]?.int
        let wanted = maximumLength ?? own ?? suggested ?? configuration.maximumLength
        self.maximumLength = max(tokenizer.specialTokenCount + 1, min(wanted, model.longest))
        files = try Self.fileNames.filter { folder.has($0) }.map {
            ($0, try MappedFile(path: "\(folder.path)/\($0)"))
        }
        try check(
            tokenizer.encode("a", maximumLength: .max),
            specialTokenCount: tokenizer.specialTokenCount)
    }

    private init(_ other: TextPreparation, maximumLength: Int) {
        tokenizer = other.tokenizer
        model = other.model
        folder = other.folder
        files = other.files
        self.maximumLength = max(tokenizer.specialTokenCount + 1, min(maximumLength, model.longest))
    }

    /// Checks that the model takes what the tokenizer makes of one text or of a pair: a token beyond
    /// the model's positions, or of a type that it has no embedding for, would have no row to look up.
    ///
    /// - Parameters:
    ///   - sample: What it makes of one or two texts.
    ///   - texts: How many they are.
    ///   - specialTokenCount: The number of tokens that it adds to them.
    /// - Throws: ``ModelError``.
    func check(
        _ sample: TokenizedText, of texts: Int = 1, specialTokenCount: Int
    ) throws(ModelError) {
        guard specialTokenCount + texts <= model.longest else {
            throw .specialTokens(
                folder, texts: texts, tokenizer: specialTokenCount, model: model.longest)
        }
        let types = sample.typeIDs
        if model.types > 0, let largest = types.max(),
            largest >= model.types || types.contains(where: { $0 < 0 })
        {
            throw .tokenTypes(folder, tokenizer: Int(largest) + 1, model: model.types)
        }
    }

    /// The tokens of a text.
    public func prepared(_ input: String) throws -> TokenizedText {
        tokenizer.encode(input, maximumLength: maximumLength)
    }

    /// The number of tokens.
    public func size(of item: TokenizedText) -> Int { item.ids.count }

    /// Whether tokens were cut off.
    public func isTruncated(_ item: TokenizedText) -> Bool { item.truncatedCount > 0 }

    /// Whether there are special tokens only.
    public func isEmpty(_ item: TokenizedText) -> Bool {
        item.ids.count <= tokenizer.specialTokenCount
    }

    /// The most tokens of one text.
    public var configuration: [(String, JSON)] { [("maximum_length", JSON(maximumLength))] }

    /// Ids and types, `int32` of shape `[tokens, 2]`.
    public func batch(_ items: [TokenizedText]) -> Features {
        var pairs: [Int32] = []
        pairs.reserveCapacity(2 * items.reduce(0) { $0 + $1.ids.count })
        for item in items {
            for (id, type) in zip(item.ids, item.typeIDs) {
                pairs.append(id)
                pairs.append(type)
            }
        }
        return Features(
            Variable(Tensor(pairs, shape: [pairs.count / 2, 2])),
            segments: Segments(lengths: items.map(\.ids.count)))
    }

    /// Of the names and contents of the tokenizer's files.
    public var fingerprint: Fingerprint {
        Fingerprint(of: files.flatMap { [Fingerprint($0.name), Fingerprint($0.file.bytes)] })
    }

    /// The same preparation with the saved limit, as far as the tokenizer and the model allow.
    public func configured(by configuration: JSON) -> TextPreparation {
        configuration["maximum_length"]?.int.map {
            TextPreparation(self, maximumLength: $0)
        } ?? self
    }

    /// Writes the tokenizer's files as they were.
    public func save(to target: String) throws {
        for (name, file) in files {
            try AtomicFile.write(Array(file.bytes), to: "\(target)/\(name)")
        }
    }
}
