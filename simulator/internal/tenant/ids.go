package tenant

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// entraPrefix and the number make a person's Entra ID: readable in a log, and
// turned back into a number without a table.
const entraPrefix = "0b1ec700-0001-4000-8000-"

// EntraID returns the directory object ID of person n.
func EntraID(n int) string { return fmt.Sprintf("%s%012x", entraPrefix, n) }

// Number returns whose Entra ID this is; the person need not exist.
func Number(entraID string) (int, bool) {
	if len(entraID) != 36 || !strings.EqualFold(entraID[:len(entraPrefix)], entraPrefix) {
		return 0, false
	}
	n, err := strconv.ParseInt(entraID[len(entraPrefix):], 16, 32)
	return int(n), err == nil && n > 0
}

// seal makes an opaque, bot-specific identifier out of a number and a
// generation. It can be opened again without a table, and a forged or foreign
// one is noticed, as Teams notices it ("Failed to decrypt pairwise id").
func (t *Tenant) seal(kind byte, number int, generation uint32) string {
	var out [20]byte
	binary.BigEndian.PutUint64(out[8:], uint64(number))
	binary.BigEndian.PutUint32(out[16:], generation)
	mac := t.mac(kind, out[8:])
	copy(out[:8], mac[:8])
	t.cover(kind, &out)
	return base64.RawURLEncoding.EncodeToString(out[:])
}

func (t *Tenant) open(kind byte, text string) (number int, generation uint32, ok bool) {
	var out [20]byte
	if len(text) != base64.RawURLEncoding.EncodedLen(len(out)) {
		return 0, 0, false
	}
	if _, err := base64.RawURLEncoding.Strict().Decode(out[:], []byte(text)); err != nil {
		return 0, 0, false
	}
	t.cover(kind, &out)
	mac := t.mac(kind, out[8:])
	if [8]byte(mac[:8]) != [8]byte(out[:8]) {
		return 0, 0, false
	}
	return int(binary.BigEndian.Uint64(out[8:])), binary.BigEndian.Uint32(out[16:]), true
}

func (t *Tenant) mac(kind byte, payload []byte) [32]byte {
	buf := make([]byte, 0, 64)
	buf = append(append(append(buf, t.BotID...), kind), payload...)
	return sha256.Sum256(buf)
}

func (t *Tenant) cover(kind byte, out *[20]byte) {
	key := t.mac(kind|0x80, out[:8])
	for i := range out[8:] {
		out[8+i] ^= key[i]
	}
}

// ChannelAccountID returns the bot's name for person n: "29:…".
func (t *Tenant) ChannelAccountID(n int) string { return "29:1" + t.seal('u', n, 0) }

// Account returns who is meant by a "29:…" ID or a bare Entra ID (protocol C.1).
func (t *Tenant) Account(id string) (int, bool) {
	if rest, ok := strings.CutPrefix(id, "29:1"); ok {
		n, _, ok := t.open('u', rest)
		return n, ok
	}
	return Number(id)
}

// ConversationID returns the opaque "a:…" ID of a chat; every "delete chat"
// begins a new generation.
func (t *Tenant) ConversationID(n int, generation uint32) string {
	return "a:1" + t.seal('c', n, generation)
}

// ChatID returns Graph's name of the same chat (protocol C.7).
func (t *Tenant) ChatID(n int) string {
	return "19:" + EntraID(n) + "_" + t.BotID + "@unq.gbl.spaces"
}

// anyGeneration marks an address that survives "delete chat".
const anyGeneration = ^uint32(0)

// Conversation tells whose chat an ID addresses.
func (t *Tenant) Conversation(id string) (number int, generation uint32, ok bool) {
	if rest, found := strings.CutPrefix(id, "a:1"); found {
		return t.open('c', rest)
	}
	rest, found := strings.CutPrefix(id, "19:")
	rest, spaces := strings.CutSuffix(rest, "@unq.gbl.spaces")
	user, bot, under := strings.Cut(rest, "_")
	if !found || !spaces || !under || !strings.EqualFold(bot, t.BotID) {
		return 0, 0, false
	}
	number, ok = Number(user)
	return number, anyGeneration, ok
}

// InstallationID returns Graph's ID of an installation (protocol F.4).
func (t *Tenant) InstallationID(n int) string {
	return base64.StdEncoding.EncodeToString([]byte(EntraID(n) + "##" + t.TeamsAppID))
}

// Guests' and members' user principal names end in their number.
func numberFromUPN(upn string) (int, bool) {
	name, _, ok := strings.Cut(upn, "@")
	if !ok {
		return 0, false
	}
	name, _, _ = strings.Cut(name, "_")
	n, err := strconv.Atoi(name[strings.LastIndexByte(name, '.')+1:])
	return n, err == nil && n > 0
}
