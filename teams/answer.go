package teams

// InvokeAnswer is what an Action.Execute gets back, as the body of an HTTP 200
// (protocol D.6); anything else shows "Something went wrong" to the person.
type InvokeAnswer struct {
	StatusCode int    `json:"statusCode"`
	Type       string `json:"type"`
	Value      any    `json:"value"`
}

// Notice answers an invoke with a short text, shown to the person who clicked.
func Notice(text string) InvokeAnswer {
	return InvokeAnswer{StatusCode: 200, Type: "application/vnd.microsoft.activity.message", Value: text}
}

// Refusal answers an invoke with an error, whose message the person sees. status is
// 400 for a press that makes no sense, 500 for trouble of ours.
func Refusal(status int, code, message string) InvokeAnswer {
	return InvokeAnswer{StatusCode: status, Type: "application/vnd.microsoft.error", Value: map[string]string{"code": code, "message": message}}
}
