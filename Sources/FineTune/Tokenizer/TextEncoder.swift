/// What turns a text without added tokens into ids: the part in which kinds of tokenizers differ.
protocol TokenModel: Sendable {
    /// One more than the largest id.
    var size: Int { get }
    func token(_ id: Int) -> String?
    func id(_ token: String) -> Int?

    /// The text's normalized form, in which added tokens may be looked for.
    func normalized(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]

    /// Adds the tokens of a text to the sink.
    ///
    /// - Parameters:
    ///   - text: UTF-8.
    ///   - isNormalized: Whether `text` comes from ``normalized(_:)``.
    ///   - sink: What takes the tokens.
    func tokenize(
        _ text: UnsafeBufferPointer<UInt8>, isNormalized: Bool, _ sink: inout TokenSink)
}

/// A tokenizer without its public face: added tokens, a model for the text between them, and a
/// template around the result.
final class TextEncoder<Model: TokenModel>: Sendable {
    let model: Model
    let template: SequenceTemplate
    /// One more than the largest id, added tokens included.
    let vocabularySize: Int
    private let addedTokens: [AddedTokens.Token]
    /// Looked for in the text as it is.
    private let literalTokens: AddedTokens
    /// Looked for in the normalized text.
    private let normalizedTokens: AddedTokens

    init(_ model: Model, template: SequenceTemplate, addedTokens: [AddedTokens.Token]) {
        self.model = model
        self.template = template
        self.addedTokens = addedTokens
        literalTokens = AddedTokens(
            addedTokens.filter { !$0.isNormalized }.map { (Array($0.content.utf8), $0) })
        normalizedTokens = AddedTokens(
            addedTokens.filter(\.isNormalized).map { token in
                var content = token.content
                return (content.withUTF8(model.normalized), token)
            })
        vocabularySize = AddedTokens.Token.vocabularySize(model.size, with: addedTokens)
    }

    func encode(_ text: String, maximumLength: Int) -> TokenizedText {
        template.encode(maximumLength: maximumLength) { tokenize(text, &$0) }
    }

    func encode(
        _ first: String, pairedWith second: String, maximumLength: Int
    ) -> TokenizedText {
        template.encodePair(
            maximumLength: maximumLength, { tokenize(first, &$0) }, { tokenize(second, &$0) })
    }

    func encode(words: [String], maximumLength: Int) -> TokenizedText {
        template.encode(maximumLength: maximumLength, recordsWords: true) { sink in
            for (index, word) in words.enumerated() {
                sink.word = Int32(clamping: index)
                tokenize(word, &sink)
            }
        }
    }

    func token(_ id: Int) -> String? {
        addedTokens.last { $0.id == id }?.content ?? model.token(id)
    }

    func id(_ token: String) -> Int? {
        let added = addedTokens.last { $0.content.utf8.elementsEqual(token.utf8) }
        return added.map { Int($0.id) } ?? model.id(token)
    }

    private func tokenize(_ text: String, _ sink: inout TokenSink) {
        var text = text
        text.withUTF8 { bytes in
            literalTokens.divide(bytes) {
                tokenize(part: $0, &sink)
            } found: {
                sink.append($0)
            }
        }
    }

    /// A part without literal tokens.
    private func tokenize(part: UnsafeBufferPointer<UInt8>, _ sink: inout TokenSink) {
        guard !normalizedTokens.isEmpty else {
            return model.tokenize(part, isNormalized: false, &sink)
        }
        model.normalized(part).withUnsafeBufferPointer { normalized in
            normalizedTokens.divide(normalized) {
                model.tokenize($0, isNormalized: true, &sink)
            } found: {
                sink.append($0)
            }
        }
    }
}
