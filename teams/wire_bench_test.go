//go:build unix

package teams

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/fanfare/fanfare/broadcast"
)

// What is measured: so many messages of each way in turn, by so many workers.
const (
	benchMessages = 10_000
	benchWorkers  = 64
)

// BenchmarkSend compares three ways to bring a card of 4 KB to people: a bare loop
// over net/http, our client over net/http, our client over its Wire. They take turns
// against one small sink in this process, whose share is in every figure; each turn
// of b.N is a round of all three, and the medians are told. For example:
//
//	go test -run '^$' -bench BenchmarkSend -benchtime 9x ./teams
func BenchmarkSend(b *testing.B) {
	b.Run("plain", func(b *testing.B) { benchmarkSend(b, false) })
	b.Run("TLS", func(b *testing.B) { benchmarkSend(b, true) })
}

func benchmarkSend(b *testing.B, secure bool) {
	p := newPeer(b, secure, sink)
	token := CredentialToken(benchCredential{}, DefaultScope, time.Now)
	direct, _ := p.client(b, func(o *Options) { o.Token = token })
	plain, _ := p.client(b, func(o *Options) { o.Token = token }, overHTTP)
	bare := &http.Client{Transport: NewTransport(benchWorkers, p.roots)}
	b.Cleanup(bare.CloseIdleConnections)
	pay := broadcast.Payload{Activity: must(json.Marshal(map[string]string{"type": "message", "text": strings.Repeat("news ", 800)}))}
	names := []string{"bare", "http", "wire"}
	ways := []func(to broadcast.ConversationReference) error{
		func(to broadcast.ConversationReference) error {
			return bareSend(bare, p.url+"/v3/conversations/"+to.ConversationID+"/activities", benchToken, pay.Activity)
		},
		func(to broadcast.ConversationReference) error {
			_, err := plain.Send(b.Context(), to, pay)
			return err
		},
		func(to broadcast.ConversationReference) error {
			_, err := direct.Send(b.Context(), to, pay)
			return err
		},
	}
	for _, way := range ways {
		costOf(b, p, way) // connections are made, memory is warm
	}
	costs := make([][]cost, len(ways))
	for b.Loop() {
		for i, way := range ways {
			costs[i] = append(costs[i], costOf(b, p, way))
		}
	}
	b.ReportMetric(0, "ns/op")
	rate := make([]float64, len(ways))
	for i, c := range costs {
		rate[i] = median(c, func(c cost) float64 { return c.rate })
		b.ReportMetric(rate[i], names[i]+"-msg/s")
		b.ReportMetric(median(c, func(c cost) float64 { return c.cpu }), names[i]+"-cpu-µs/msg")
		b.ReportMetric(median(c, func(c cost) float64 { return c.allocs }), names[i]+"-allocs/msg")
	}
	b.ReportMetric(rate[2]/rate[0], "wire/bare")
	b.ReportMetric(rate[2]/rate[1], "wire/http")
}

var benchToken = strings.Repeat("eyJ0", 300)

type benchCredential struct{}

func (benchCredential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: benchToken, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// cost is what a round took: messages per second, CPU µs and allocations per message.
type cost struct{ rate, cpu, allocs float64 }

func costOf(b *testing.B, p *peer, send func(broadcast.ConversationReference) error) cost {
	var left atomic.Int64
	left.Store(benchMessages)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, start := spent(), time.Now()
	var all sync.WaitGroup
	for range benchWorkers {
		all.Go(func() {
			for n := left.Add(-1); n >= 0; n = left.Add(-1) {
				if err := send(p.at("a_1exampleOpaqueConversationId" + strconv.FormatInt(n, 10))); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	took, used := time.Since(start), spent()-cpu
	runtime.ReadMemStats(&after)
	return cost{
		rate: benchMessages / took.Seconds(), cpu: float64(used.Microseconds()) / benchMessages,
		allocs: float64(after.Mallocs-before.Mallocs) / benchMessages,
	}
}

// spent is the CPU time of this process, as the system counts it.
func spent() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func median(costs []cost, of func(cost) float64) float64 {
	var all []float64
	for _, c := range costs {
		all = append(all, of(c))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// bareSend is the loop of measure.md: what anybody would write.
func bareSend(client *http.Client, url, token string, body []byte) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", contentType)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	var got struct {
		ID string `json:"id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err == nil && (resp.StatusCode != http.StatusCreated || got.ID == "") {
		err = fmt.Errorf("%s, ID %q", resp.Status, got.ID)
	}
	return err
}

// sink reads requests as cheaply as can be, but parses their JSON.
func sink(_ *peer, _ int32, c net.Conn, r *bufio.Reader) {
	const length, answer = "content-length:", "HTTP/1.1 201 Created\r\nContent-Type: application/json; charset=utf-8\r\n" +
		"X-Correlating-OperationId: 00000000-0000-4000-8000-000000000000\r\nDate: Fri, 02 Jan 2026 03:04:05 GMT\r\nContent-Length: 22\r\n\r\n" + `{"id":"1767323045123"}`
	var body []byte
	for {
		size := 0
		for {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) <= 2 {
				break
			}
			if len(line) > len(length) && bytes.EqualFold(line[:len(length)], []byte(length)) {
				size, _ = strconv.Atoi(string(bytes.TrimSpace(line[len(length):])))
			}
		}
		body = slices.Grow(body[:0], size)[:size]
		if _, err := io.ReadFull(r, body); err != nil || !json.Valid(body) {
			return
		}
		if _, err := io.WriteString(c, answer); err != nil {
			return
		}
	}
}
