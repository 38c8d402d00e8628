package metrics

import "math"

// The least and the largest temperature that Temperature returns.
const leastTemperature, mostTemperature = 1.0 / 20, 20

// Temperature returns the number by which to divide the logits of predictions so that their mean cross entropy is least (Guo et
// al., "On Calibration of Modern Neural Networks", 2017, section 4.2). If there is no such number from 1/20 to 20, for
// example because every prediction is right, it returns 1, which changes nothing.
func Temperature(predictions []Prediction) float64 {
	logits := make([][]float64, len(predictions)) // less the largest of each prediction
	for i, p := range predictions {
		logits[i] = make([]float64, len(p.Probs))
		for j, v := range p.Probs {
			logits[i][j] = math.Log(max(v, math.SmallestNonzeroFloat64) / p.Confidence())
		}
	}
	// slope returns the derivatives of the sum of the losses by 1/T.
	slope := func(inverse float64) (first, second float64) {
		for i, p := range predictions {
			var total, mean, square float64
			for _, z := range logits[i] {
				w := math.Exp(inverse * z)
				total += w
				// float64(…): without it, arm64 fuses the product with the sum.
				mean += float64(w * z)
				square += float64(w * z * z)
			}
			mean /= total
			first += mean - logits[i][p.Label]
			second += square/total - float64(mean*mean)
		}
		return first, second
	}
	low, high := 1/float64(mostTemperature), 1/leastTemperature
	atLow, _ := slope(low)
	atHigh, _ := slope(high)
	if !(atLow < 0 && atHigh > 0) {
		return 1
	}
	// The loss is convex in 1/T, so its least value lies where the slope crosses 0: Newton's steps, kept between low and high.
	for inverse := 1.0; ; {
		first, second := slope(inverse)
		if first < 0 {
			low = inverse
		} else {
			high = inverse
		}
		next := inverse - first/second
		if !(next > low && next < high) {
			next = low + float64((high-low)/2)
		}
		if math.Abs(next-inverse) <= 1e-14*inverse {
			return 1 / next
		}
		inverse = next
	}
}

// AtTemperature returns the prediction for logits that are divided by a temperature.
func (p Prediction) AtTemperature(t float64) Prediction {
	probs, sum := make([]float64, len(p.Probs)), 0.0
	most := p.Confidence()
	for i, v := range p.Probs {
		probs[i] = math.Pow(v/most, 1/t)
		sum += probs[i]
	}
	for i := range probs {
		probs[i] /= sum
	}
	p.Probs = probs
	return p
}

// AtTemperature returns predictions for logits that are divided by a temperature.
func AtTemperature(predictions []Prediction, t float64) []Prediction {
	out := make([]Prediction, len(predictions))
	for i, p := range predictions {
		out[i] = p.AtTemperature(t)
	}
	return out
}
