package message

import "strings"

// InTeam stands among the locales for the post in a team; it is no language.
const InTeam = "team"

// The words a post may leave to be filled in: the team's name, and who added the bot.
const (
	TeamName = "{team}"
	AddedBy  = "{added_by}"
)

// Post is what a welcome message says in the channel General of a team the bot was added
// to. It is in one language: a channel has none of its own.
type Post struct{ Title, Body string }

// Posted is the message as it is posted in a team. Names are names, whatever Markdown
// would make of them.
func (m Message) Posted(team, by string) Message {
	plain := strings.NewReplacer(TeamName, team, AddedBy, by)
	marked := strings.NewReplacer(TeamName, literal(team), AddedBy, literal(by))
	return Message{Title: plain.Replace(m.Post.Title), Body: marked.Replace(m.Post.Body)}
}

// literal is a text that Markdown leaves alone.
func literal(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\\`*_{}[]()<>#+-.!|~&", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// post says what keeps a post from being sent.
func (m *mistakes) post(p Post) {
	if p != (Post{}) && p.Title == "" {
		m.add("title", "Give the post in a team a title, or remove its text.")
	}
}
