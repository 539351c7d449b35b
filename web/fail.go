package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/fanfare/fanfare/broadcast"
)

// Mistakes of the caller that no use-case knows.
var (
	errNoMethod = errors.New("method not allowed")
	errGarbled  = errors.New("the form cannot be read")
)

// parseForm reads a posted form.
func parseForm(c *gin.Context) error {
	err := c.Request.ParseForm()
	var tooLarge *http.MaxBytesError
	if err == nil || errors.As(err, &tooLarge) {
		return err
	}
	return fmt.Errorf("%w: %w", errGarbled, err)
}

var headings = map[int]string{
	http.StatusBadRequest:            "That did not arrive whole",
	http.StatusForbidden:             "This is not open to you",
	http.StatusNotFound:              "Nothing is here",
	http.StatusMethodNotAllowed:      "That does not work here",
	http.StatusConflict:              "Something changed meanwhile",
	http.StatusRequestEntityTooLarge: "That is too much at once",
	http.StatusUnprocessableEntity:   "That cannot be done like this",
	http.StatusInternalServerError:   "Something went wrong on our side",
}

// failure is an error as our modules read it.
type failure struct {
	Error     string    `json:"error"`
	Problems  []problem `json:"problems,omitempty"`
	RequestID string    `json:"request_id,omitempty"`
}

type problem struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

type failPage struct {
	frame
	Status    int
	Sentence  string
	RequestID string
}

// told is an error as it may be told: what people should know, or nothing but
// the request's ID when the cause is ours.
func told(c *gin.Context, err error) (int, failure) {
	var tooLarge *http.MaxBytesError
	e := broadcast.AsError(err)
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, failure{Error: "This form is larger than 1 MB. Shorten the text and send it again."}
	case errors.Is(err, errGarbled):
		return http.StatusBadRequest, failure{Error: "The form broke off on its way, or was garbled. Go back and send it again."}
	case errors.Is(err, errNoMethod):
		return http.StatusMethodNotAllowed, failure{Error: "This address does not take that kind of request."}
	case e != nil:
		return e.Code.HTTPStatus(), failure{Error: err.Error(), Problems: problemsOf(err)}
	}
	return http.StatusInternalServerError, failure{
		Error:     "Something went wrong on our side. Nothing you wrote is lost; please try again in a moment.",
		RequestID: requestID(c),
	}
}

// fail is the one way to say that something did not work.
func (d *Door) fail(c *gin.Context, err error) {
	defer c.Abort()
	if errors.Is(err, context.Canceled) && c.Request.Context().Err() != nil {
		return // they left; there is nobody to tell
	}
	status, f := told(c, err)
	if status == http.StatusInternalServerError {
		d.o.Log.ErrorContext(c.Request.Context(), "request failed", "request_id", f.RequestID, "method", c.Request.Method, "path", c.FullPath(), "error", err)
	}
	if c.Writer.Written() {
		return
	}
	if wantsData(c) {
		c.JSON(status, f)
		return
	}
	d.render(c, status, "fail", failPage{
		frame: d.frame(c, headings[status], ""), Status: status, Sentence: f.Error, RequestID: f.RequestID,
	})
}

// problemsOf is every field's sentence inside err.
func problemsOf(err error) []problem {
	var many broadcast.Problems
	if !errors.As(err, &many) {
		e := broadcast.AsError(err)
		if e == nil || e.Field == "" {
			return nil
		}
		many = broadcast.Problems{e}
	}
	out := make([]problem, len(many))
	for i, e := range many {
		out[i] = problem{e.Field, e.Message}
	}
	return out
}
