import FineTune
import Foundation
import TestSupport

/// What ``FuzzingTests`` damage: small files of each format, and how they are read.
enum FuzzedFormat {
    static let all = [
        wordPiece, bytePairs, vocabularyLines, vocabulary, merges, tokenizerSettings, classifier,
        wordTagger, ordinal, multiLabel, regression, similarity, contrastive, multiTask,
        modules, poolingSettings, sentenceSettings, imageClassifier, imageProcessor,
        commaSeparated, tabSeparated, jsonLines, xml, taggedLines, FuzzedSnapshot.format,
    ]

    // MARK: Tokenizers

    static let wordPiece = Fuzzing(
        "tokenizer.json-wordpiece",
        seeds: [
            Array(
                ###"""
                {"truncation":{"max_length":128},"added_tokens":[{"id":1,"content":"[CLS]",
                "special":true},{"id":9,"content":"é x","lstrip":true,"single_word":true}],
                "normalizer":{"type":"BertNormalizer","lowercase":true,"strip_accents":null},
                "pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":{
                "type":"BertProcessing","sep":["[SEP]",2],"cls":["[CLS]",1]},"model":{
                "type":"WordPiece","unk_token":"[UNK]","max_input_chars_per_word":100,"vocab":{
                "[UNK]":0,"[CLS]":1,"[SEP]":2,"fox":3,"##es":4,"é":7}}}
                """###
                .utf8),
            Array(
                #"""
                {"pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":{
                "type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[CLS]",
                "type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[{"Sequence":{
                "id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],"special_tokens":{
                "[CLS]":{"ids":[1]}}},"model":{"type":"WordPiece","vocab":{"[UNK]":0,"[CLS]":1,
                "a":2}}}
                """#
                .utf8),
        ],
        words: [
            "\"RobertaProcessing\"", "\"Sequence\"", "\"rstrip\":true,", "\"normalized\":false,",
            "\"continuing_subword_prefix\":\"\",", "\"clean_text\":false,",
        ],
        read: { path in encode(try WordPieceTokenizer(contentsOf: path)) })

    static let bytePairs = Fuzzing(
        "tokenizer.json-bpe",
        seeds: [
            Array(
                #"""
                {"truncation":null,"added_tokens":[{"id":0,"content":"<s>","special":true},{
                "id":8,"content":"<mask>","lstrip":true}],"normalizer":null,"pre_tokenizer":{
                "type":"ByteLevel","add_prefix_space":false,"use_regex":true},"post_processor":{
                "type":"RobertaProcessing","sep":["</s>",1],"cls":["<s>",0]},"model":{
                "type":"BPE","dropout":null,"unk_token":"<unk>","vocab":{"<s>":0,"</s>":1,
                "<unk>":2,"a":3,"b":4,"ab":5,"Ġ":6,"Ġab":7},"merges":["a b",["Ġ","ab"]]}}
                """#
                .utf8)
        ],
        words: [
            "\"ignore_merges\":true,", "\"Sequence\"", "[\"a\",\"a\"],", "\"aa\":9,", "\"b a\",",
        ],
        read: { path in encode(try BytePairTokenizer(contentsOf: path)) })

    static let vocabularyLines = Fuzzing(
        "vocab.txt",
        seeds: [
            Array("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nfox\n##es\nÄ\na\n".utf8),
            Array("[UNK]\r\n[CLS]\r\n[SEP]\r\n##a\r\n\u{1F600}".utf8),
        ],
        words: ["##", "\u{FEFF}", "\r\n", "\u{2028}", "e\u{301}"],
        read: { path in encode(try WordPieceTokenizer(vocabulary: path)) })

    private static let pairs = "#version: 0.2\na b\nĠ ab\nab ab\n"
    private static let pieces =
        #"{"<s>":0,"</s>":1,"<unk>":2,"a":3,"b":4,"ab":5,"Ġ":6,"Ġab":7,"abab":8,"<mask>":9}"#

    static let vocabulary = Fuzzing(
        "vocab.json", seeds: [Array(pieces.utf8)], words: ["\"ba\":", "2147483647", "\"\":0,"],
        prepare: {
            try pairs.write(toFile: $0 + "/merges.txt", atomically: false, encoding: .utf8)
        },
        read: { path in
            let folder = String(path.dropLast("/input".count))
            encode(try BytePairTokenizer(vocabulary: path, merges: folder + "/merges.txt"))
        })

    static let merges = Fuzzing(
        "merges.txt", seeds: [Array(pairs.utf8)], words: ["b a\n", "\r\n", "#version", "Ġ a\n"],
        prepare: {
            try pieces.write(toFile: $0 + "/vocab.json", atomically: false, encoding: .utf8)
        },
        read: { path in
            let folder = String(path.dropLast("/input".count))
            encode(try BytePairTokenizer(vocabulary: folder + "/vocab.json", merges: path))
        })

    static let tokenizerSettings = Fuzzing(
        "tokenizer_config.json", fileName: "tokenizer_config.json",
        seeds: [
            Array(
                #"""
                {"tokenizer_class":"BertTokenizerFast","do_lower_case":false,
                "strip_accents":null,"model_max_length":512,"unk_token":"[UNK]","mask_token":{
                "content":"[MASK]","lstrip":true},"added_tokens_decoder":{"11":{"content":"<x>",
                "special":true}}}
                """#
                .utf8)
        ],
        words: [
            "\"cls_token\":\"a\",", "\"do_basic_tokenize\":false,", "\"4294967296\":{},", "null",
        ],
        prepare: { folder in
            try "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nfox\na\n".write(
                toFile: folder + "/vocab.txt", atomically: false, encoding: .utf8)
        },
        read: { path in
            encode(
                try PretrainedTokenizer.load(
                    from: String(path.dropLast("/tokenizer_config.json".count))))
        })

    /// Does with a tokenizer what can be done with it.
    private static func encode(_ tokenizer: some Tokenizer) {
        let text = "Foxes <mask> é x [CLS]abab\u{301} 12\t<s>"
        for length in [tokenizer.specialTokenCount, 7, Int.max] {
            for id in tokenizer.encode(text, maximumLength: length).ids {
                precondition(id >= 0, "a negative id")
                _ = tokenizer.token(Int(id))
            }
        }
        _ = tokenizer.encode("a b", pairedWith: text, maximumLength: 9)
        _ = (tokenizer.id("fox"), tokenizer.id(""), tokenizer.token(-1), tokenizer.token(.max))
    }

    // MARK: A model's settings

    static let classifier = Fuzzing(
        "classifier-config.json", fileName: "config.json", seeds: [settings],
        words: ["\"single_label_classification\"", "\"roberta\"", "\"2\":\"x\",", "\"mean\""],
        prepare: { folder in
            let fixture = TinyModel.fixture("bert") + "/model.safetensors"
            try FileManager.default.copyItem(
                atPath: fixture, toPath: folder + "/model.safetensors")
            let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + (5..<120).map { "w\($0)" }
            try words.joined(separator: "\n").write(
                toFile: folder + "/vocab.txt", atomically: false, encoding: .utf8)
        },
        read: { path in
            _ = try TextClassifier(contentsOf: String(path.dropLast("/config.json".count)))
        })

    private static let settings = Array(
        #"""
        {"model_type":"bert","hidden_size":32,"num_hidden_layers":2,"num_attention_heads":4,
        "intermediate_size":64,"hidden_act":"gelu","vocab_size":120,
        "max_position_embeddings":40,"type_vocab_size":2,"id2label":{"0":"a","1":"b","2":"c"},
        "label2id":{"a":0,"b":1,"c":2}}
        """#
        .utf8)

    // MARK: Data

    static let commaSeparated = Fuzzing(
        "csv",
        seeds: [
            Array("text,label\n\"a, \"\"b\"\"\",x\r\né世🙂,\"y\"\n".utf8),
            Array("\u{FEFF}label,text\rx,\"a\nb\"\r\ry,c".utf8),
        ],
        words: ["\"", "\"\"", "\r\n", ",", ";", "text", "\u{FEFF}"],
        read: { path in
            _ = try? LabeledTexts(csv: path, text: 1, label: 0, separator: ";")
            _ = try? MultiLabeledTexts(csv: path, text: 0, labels: 1, separatedBy: " ")
            _ = try? ScoredTexts(csv: path, text: "text", number: "label")
            check(try LabeledTexts(csv: path, text: 0, label: 1))
        })

    static let tabSeparated = Fuzzing(
        "tsv",
        seeds: [
            Array("first\tsecond\tscore\nA \"b\"\tc\t4.5\nd\t\"e f\"\t-1e-3\n".utf8),
            Array("a\tb\t1\n\n\rc\td\t2".utf8),
        ],
        words: ["\"", "\t", "\r", "1e999", "nan", "first"],
        read: { path in
            _ = try? ScoredGroups(tsv: path, first: "first", second: "second", number: "score")
            _ = try? LabeledPairs(tsv: path, first: 0, second: 1, label: 2)
            check(try LabeledTexts(tsv: path, text: 0, label: 1, quoting: .none))
        })

    static let jsonLines = Fuzzing(
        "jsonl",
        seeds: [
            Array(
                "{\"text\":\"a\\u00e9\",\"label\":\"x\"}\n\r\n{\"text\":\"b\",\"label\":2.0}\n".utf8
            )
        ],
        words: ["\"score\":1e999,", "\"label\":[\"a\",1],", "null", "[]", "\n", "\\ud83d\\ude00"],
        read: { path in
            _ = try? MultiLabeledTexts(jsonLines: path, text: "text", labels: "label")
            _ = try? ScoredTexts(jsonLines: path, text: "text", number: "label")
            check(try LabeledTexts(jsonLines: path, text: "text", label: "label"))
        })

    static let xml = Fuzzing(
        "xml",
        seeds: [
            Array(
                "<?xml version=\"1.0\"?>\n<A>\n<B><No>219</No> <St b='c'>De &amp; N&#233;</St>,</B>\n<!--c--><B><No>1</No><X/></B></A>"
                    .utf8)
        ],
        words: [
            "<![CDATA[", "]]>", "<!--", "-->", "<!DOCTYPE a>", "&#x10FFFF;", "&#xD800;", "&lt;",
            "<B>",
            "</B>", "/>", "<?",
        ],
        read: { path in check(try TaggedWords(parserator: path)) })

    static let taggedLines = Fuzzing(
        "conll",
        seeds: [
            Array("-DOCSTART- -X- O O\n\nEU NNP B-ORG\nrejects\tVB O\n\nPeter NNP B-PER\n".utf8)
        ],
        words: ["\r\n", "\t", " ", "-DOCSTART-", "\u{A0}", "\u{2028}"],
        read: { path in
            _ = try? TaggedWords(conll: path, word: 1, tag: 2)
            check(try TaggedWords(conll: path))
        })

    private static func check(_ data: LabeledTexts) {
        precondition(!data.isEmpty && data.allSatisfy { !$0.input.isEmpty && !$0.target.isEmpty })
    }

    private static func check(_ data: TaggedWords) {
        precondition(data.allSatisfy { $0.input.count == $0.target.count && !$0.input.isEmpty })
    }
}
