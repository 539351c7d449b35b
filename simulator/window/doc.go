// Package window is a recipient's Microsoft Teams, drawn in a browser: pick a person of the simulated
// tenant, see the chat with the bot exactly as that person would, click the buttons of a card, type to
// the bot, block it, remove the app, delete the chat.
//
//	browser ── GET /teams, /teams/static/… ──► this package (a page, plain ES modules, no state)
//	       ├── /_simulator/people…           ──► the simulator's JSON API and its event stream
//	       └── GET /teams/channels ── /_simulator/teams ──► what the bot posted in channels
//
// The package only serves files; everything the page knows comes from the simulator's JSON API on the
// same origin. Cards are drawn by Microsoft's own renderer (static/vendor/VENDORED.md), so that what
// is seen here is what Teams shows. The page lives under a Content-Security-Policy without inline
// scripts or styles, because cards are other people's content.
package window
