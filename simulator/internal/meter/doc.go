// Package meter measures and limits: strict sliding windows, the peak of any
// one second, and the counters behind the report.
package meter
