package audience

// Hit is a part to choose, with what tells it from others that are called alike.
type Hit struct {
	Part
	Note string
}
