extension ClassificationMetrics: HeadMetrics {
    /// The accuracy.
    public var score: Double { accuracy }
    /// `accuracy`
    public static var scoreName: String { "accuracy" }
}

extension MultiLabelMetrics: HeadMetrics {
    /// F1 over all decisions.
    public var score: Double { microF1 }
    /// `micro F1`
    public static var scoreName: String { "micro F1" }
}

extension RegressionMetrics: HeadMetrics {
    /// The negated mean squared error: the higher, the better.
    public var score: Double { -meanSquaredError }
    /// `−MSE`
    public static var scoreName: String { "−MSE" }
}
