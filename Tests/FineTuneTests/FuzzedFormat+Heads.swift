import FineTune
import TestSupport

// The settings of saved models with each kind of head but the classifier.
extension FuzzedFormat {
    static let wordTagger = saved(
        "words",
        settings: [
            #""id2label":{"0":"O","1":"B-x","2":"I-x"},"tag_scheme":"bio","swift_finetune":{"#
                + #""version":1,"pooling":"tokens","maximum_length":7}"#,
            #""id2label":{"0":"a","1":"b","2":"c"},"tag_scheme":"plain","outside_tag":"a""#,
        ],
        words: ["\"B-\"", "\"plain\"", "\"outside_tag\":null,", "\"pooler\"", "\"tag_scheme\":1,"],
        head: TokenClassificationHead(labels: ["O", "B-x", "I-x"]), input: ["a", "b"],
        base: { try PretrainedModel<WordPreparation>.words(contentsOf: $0) },
        load: { try WordTagger(contentsOf: $0) })

    static let ordinal = saved(
        "ordinal",
        settings: [
            #""id2label":{"0":"low","1":"middle","2":"high"},"problem_type":"ordinal_regression""#
        ],
        words: ["\"regression\"", "\"3\":\"x\",", "\"mean\"", "\"swift_finetune\":{},"],
        head: OrdinalHead(labels: ["low", "middle", "high"]), input: text,
        base: { try PretrainedModel<TextPreparation>.text(contentsOf: $0) },
        load: { try FineTunedModel<TextPreparation, OrdinalHead>(contentsOf: $0) })

    static let multiLabel = saved(
        "multi-label",
        settings: [
            #""id2label":{"0":"a","1":"b"},"problem_type":"multi_label_classification","#
                + #""threshold":0.25"#
        ],
        words: ["\"single_label_classification\"", "\"2\":\"x\",", "-1e308", "\"threshold\":"],
        head: MultiLabelHead(labels: ["a", "b"]), input: text,
        base: { try PretrainedModel<TextPreparation>.text(contentsOf: $0) },
        load: { try TextTagger(contentsOf: $0) })

    static let regression = saved(
        "regression",
        settings: [
            #""problem_type":"regression""#,
            #""id2label":{"0":"LABEL_0"},"swift_finetune":{"pooling":"pooler"}"#,
        ],
        words: ["\"1\":\"x\",", "\"id2label\":{},", "\"cls\"", "\"tokens\""],
        head: RegressionHead(), input: text,
        base: { try PretrainedModel<TextPreparation>.text(contentsOf: $0) },
        load: { try TextScorer(contentsOf: $0) })

    static let similarity = saved(
        "similarity",
        settings: [
            #""problem_type":"similarity""#,
            #""problem_type":"similarity","swift_finetune":{"pooling":"cls","maximum_length":5}"#,
        ],
        words: ["\"mean\"", "\"tokens\"", "\"pooler\"", "null,"],
        head: SimilarityHead(), input: [text, "b"],
        base: { try PretrainedModel<TextPreparation>.text(contentsOf: $0).groups() },
        load: { try FineTunedModel<TextGroupPreparation, SimilarityHead>(contentsOf: $0) })

    static let contrastive = saved(
        "contrastive",
        settings: [
            #""problem_type":"multiple_negatives","scale":20.0,"group_size":2"#,
            #""problem_type":"triplet","margin":1.0,"group_size":3"#,
        ],
        words: ["\"triplet\"", "\"multiple_negatives\"", "1024", "1025", "-1e308", "\"scale\":"],
        head: ContrastiveHead(), input: [text, "b", "c"],
        base: { try PretrainedModel<TextPreparation>.text(contentsOf: $0).groups() },
        load: { try FineTunedModel<TextGroupPreparation, ContrastiveHead>(contentsOf: $0) })

    static let multiTask = saved(
        "multi-task",
        settings: [
            #""problem_type":"multi_task","tasks":[{"id2label":{"0":"a","1":"b"},"#
                + #""problem_type":"single_label_classification"},{"problem_type":"regression"}],"#
                + #""task_weights":[2.0,0.5]"#
        ],
        words: ["\"multi_task\"", "\"2\":\"x\",", "{},", "\"task_weights\":[0,1],", "1e308"],
        head: MultiTaskHead(ClassificationHead(labels: ["a", "b"]), RegressionHead()), input: text,
        base: { try PretrainedModel<TextPreparation>.text(contentsOf: $0) },
        load: {
            try FineTunedModel<TextPreparation, MultiTaskHead<ClassificationHead, RegressionHead>>(
                contentsOf: $0)
        })

    private static let text = "a b c a b c a b"

    /// The `config.json` of a model with a head, all of which is read; `settings` are its entries
    /// beside those of the small BERT. What is accepted also answers.
    private static func saved<P: Preparation, H: Head>(
        _ kind: String, settings: [String], words: [String], head: H, input: P.Input,
        base: @escaping @Sendable (String) throws -> PretrainedModel<P>,
        load: @escaping @Sendable (String) throws -> FineTunedModel<P, H>
    ) -> Fuzzing {
        Fuzzing(
            "\(kind)-config.json", fileName: "config.json",
            seeds: settings.map { Array("{\(smallSettings),\($0)}".utf8) }, words: words,
            prepare: { folder in
                try writeSmallModel(to: folder)
                try base(folder).attaching(head, seed: 1).save(to: folder)
            },
            read: { path in
                let model = try load(String(path.dropLast("/config.json".count)))
                _ = try Tensor.Threads.limited(to: 1) { try model.predict(input) }
            })
    }
}
