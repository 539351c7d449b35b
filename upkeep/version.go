package upkeep

import (
	"cmp"
	"strconv"
	"strings"
)

// Older compares versions of numbers and dots. An unknown one is no older than any.
func Older(a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		if order := cmp.Compare(number(as, i), number(bs, i)); order != 0 {
			return order < 0
		}
	}
	return false
}

func number(parts []string, i int) int {
	if i >= len(parts) {
		return 0
	}
	n, _ := strconv.Atoi(parts[i]) // what is no number counts as none
	return n
}
