public import Autograd
public import Tensor

/// What goes from stage to stage: the numbers, and how their rows belong together.
public struct Features {
    /// The numbers. Before the first stage of a text model: `int32`, shape `[tokens, 2]`, a token id
    /// and a token type in each row. After it: shape `[tokens, width]`, and after pooling
    /// `[sequences, width]`. In a model for images: shape `[count, height, width, channels]`, and
    /// after pooling `[count, channels]`.
    public var value: Variable
    /// The sequences that the rows belong to: places along the outermost dimension. An image is a
    /// sequence of one.
    public var segments: Segments

    /// Features of a batch.
    public init(_ value: Variable, segments: Segments) {
        (self.value, self.segments) = (value, segments)
    }

    /// Features of a batch of images, one along the outermost dimension for each.
    public init(images: Variable) { self.init(rows: images) }

    /// Features of which each row is a sequence of its own, such as after pooling.
    public init(rows: Variable) {
        self.init(rows, segments: Segments(lengths: [Int](repeating: 1, count: rows.shape[0])))
    }

    /// The first row of each sequence.
    public var firstRows: Features { Features(rows: value.segmentStarts(segments)) }
}

/// A piece of a pretrained network with one activation in and one out: the embeddings, one
/// transformer layer, the pooler.
///
/// A backbone is an ordered list of stages, and a plan says what each of them does.
public protocol Stage: AnyObject {
    /// What the stage is called in tables and plans, such as `layer 3`.
    var name: String { get }
    /// Its parameters, in the order of loading.
    var parameters: [Parameter] { get }
    /// Whether plans count it: a pooler is no stage of its own there, but goes with the one below.
    var isCounted: Bool { get }
    /// Whether it gives the first row of each sequence and no other: what a pooler reads that goes by
    /// the first token.
    var keepsFirstTokens: Bool { get }
    /// Its linear maps that an adapter can be put on, in the order of loading.
    var linearMaps: [(role: LinearRole, map: Linear)] { get }
    /// Computes the stage.
    func callAsFunction(_ input: Features, in pass: Pass) -> Features
}

extension Stage {
    /// True: a stage counts.
    public var isCounted: Bool { true }
    /// False: it gives a row for each that it gets.
    public var keepsFirstTokens: Bool { false }
    /// None.
    public var linearMaps: [(role: LinearRole, map: Linear)] { [] }
}
