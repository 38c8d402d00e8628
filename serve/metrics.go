package serve

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are the metrics of GET /metrics.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	pictures prometheus.Counter
	waiting  prometheus.Gauge
	batch    prometheus.Histogram
	reloads  *prometheus.CounterVec
}

// newMetrics returns the metrics of a server. held returns the number of bytes that it holds for requests.
func newMetrics(held func() int64) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hymenoptera_requests_total", Help: "Requests by path and status."}, []string{"path", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "hymenoptera_request_seconds", Help: "Seconds from a request's header to its answer.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 16)}, []string{"path"}),
		pictures: prometheus.NewCounter(prometheus.CounterOpts{Name: "hymenoptera_pictures_total", Help: "Pictures that were classified."}),
		waiting:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "hymenoptera_waiting_pictures", Help: "Pictures that were accepted and are not answered yet."}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "hymenoptera_batch_pictures", Help: "Pictures that went through the network together.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 8)}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hymenoptera_reloads_total", Help: "Reloads of the checkpoint by result."}, []string{"result"}),
	}
	memory := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "hymenoptera_held_bytes", Help: "Bytes that requests hold: bodies, inputs, pictures that are decoded."},
		func() float64 { return float64(held()) })
	m.registry.MustRegister(memory, m.requests, m.seconds, m.pictures, m.waiting, m.batch, m.reloads,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// request counts an answered request.
func (m *metrics) request(path string, status int, took time.Duration) {
	m.requests.WithLabelValues(path, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(path).Observe(took.Seconds())
}
