import Benchmark
import FineTune

/// WordPiece with MiniLM's vocabulary.
func tokenizer() {
    measure("tokenizer: load") {
        try Input.model()
    } _: { model in
        blackHole(try PretrainedTokenizer.load(from: model))
    }
    measure("tokenizer: the TREC questions, one by one") {
        (try PretrainedTokenizer.load(from: Input.model()), try Input.questions().inputs)
    } _: { tokenizer, texts in
        for text in texts { blackHole(tokenizer.encode(text, maximumLength: 128)) }
    }
    measure("tokenizer: the TREC questions as one text") {
        let text = try Input.questions().inputs.joined(separator: " ")
        return (try PretrainedTokenizer.load(from: Input.model()), text)
    } _: { tokenizer, text in
        blackHole(tokenizer.encode(text, maximumLength: .max))
    }
}
