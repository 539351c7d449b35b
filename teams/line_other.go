//go:build !unix

package teams

// dead cannot be told here; a line is only given up for its age.
func (l *line) dead() bool { return false }
