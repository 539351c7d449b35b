package welcome

import (
	"fmt"
	"strings"

	"github.com/fanfare/fanfare/broadcast/message"
)

// Starter is what the first welcome message begins with, for the admin to make their
// own. It promises nothing that the app does not do. app is its name in Teams, by is who
// rolled it out.
func Starter(app, by string) message.Message {
	paragraphs := []string{
		fmt.Sprintf("I am **%s**. Through me your organisation sends its announcements straight to this chat, so that what matters does not get lost among your mail.", app),
		fmt.Sprintf("**Why do I have this?** %s rolled it out to everybody. Nothing is wrong, and there is nothing you have to set up.", by),
		"**What to do next**\n\n" + strings.Join([]string{
			"- Nothing: the next announcement comes here by itself. Leave the notifications of this chat on.",
			"- Write **why** to learn who sent the latest announcement, and to whom.",
			"- Write **stop** to learn how to stop my messages, and **help** to see what I understand.",
		}, "\n"),
	}
	return message.Message{
		Title: "Welcome! Your organisation's news comes here", Body: strings.Join(paragraphs, "\n\n"),
		Post: message.Post{
			Title: "News for " + message.TeamName + " comes here now",
			Body:  fmt.Sprintf("%s added **%s** to %s. When an announcement is for this team, it is posted in one of its channels, where everybody can read it and answer.", message.AddedBy, app, message.TeamName),
		},
	}
}
