package peer;

/** The arithmetic of River's {@code StandardScaler() | LogisticRegression()}: stochastic gradient, rate 0.01. */
final class ChurnModel {
    private static final double RATE = 0.01;

    private final double[] mean = new double[Customer.FEATURES];
    private final double[] variance = new double[Customer.FEATURES];
    private final double[] weight = new double[Customer.FEATURES];
    private final double[] scaled = new double[Customer.FEATURES];
    private double intercept;
    private long learned;

    double risk(double[] features) {
        double logit = intercept;
        for (int k = 0; k < scaled.length; k++) {
            scaled[k] = variance[k] > 0.0 ? (features[k] - mean[k]) / Math.sqrt(variance[k]) : 0.0;
            logit += weight[k] * scaled[k];
        }
        return 1.0 / (1.0 + Math.exp(-logit));
    }

    void learn(double[] features, boolean churned) {
        learned++;
        for (int k = 0; k < mean.length; k++) {
            double away = features[k] - mean[k];
            mean[k] += away / learned;
            variance[k] += (away * (features[k] - mean[k]) - variance[k]) / learned;
        }
        double step = RATE * (risk(features) - (churned ? 1.0 : 0.0));
        intercept -= step;
        for (int k = 0; k < weight.length; k++) {
            weight[k] -= step * scaled[k];
        }
    }
}
