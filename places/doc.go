// Package places knows where the bot is beside people's own chats: the teams it was
// added to, their channels, group chats; and who is in a team.
//
//	Teams ──► api ──Event──► Service.Hear ──► Ledger: places, channels, accounts
//	                                             │ what is due
//	engine ──Reader.Work──► Wire (teams/roster) ─┴─► rosters, page by page
//
// An event is never believed for the order it came in: Place.After and Channel.After
// go by the time Teams put on it, so that repeats, late ones and early ones end the
// same. What an event or a roster reveals of a person (how Teams calls them, and where
// they are served) is an account. It is no conversation: nobody becomes reachable by
// being seen. Who has the app and whose event never came gets their conversation by
// Open; who removed it stays left alone.
//
// A roster is read as engine work within the Connector's allowance (protocol E.1),
// and goes on after a kill where its cursor stands. It is whole or it is not there:
// its rows belong to a round, and only the last round that came to its end counts.
package places
