package frame

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
	ErrNoMethod = errors.New("method not allowed")
	ErrGarbled  = errors.New("the form cannot be read")
)

// ParseForm reads a posted form.
func ParseForm(c *gin.Context) error {
	err := c.Request.ParseForm()
	var tooLarge *http.MaxBytesError
	if err == nil || errors.As(err, &tooLarge) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrGarbled, err)
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

// Failure is an error as our modules read it.
type Failure struct {
	Error     string    `json:"error"`
	Problems  []Problem `json:"problems,omitempty"`
	RequestID string    `json:"request_id,omitempty"`
}

// Problem is what is wrong with one field.
type Problem struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// FailPage says what did not work.
type FailPage struct {
	Page
	Status    int
	Sentence  string
	RequestID string
}

// Told is an error as it may be told: what people should know, or nothing but
// the request's ID when the cause is ours.
func Told(c *gin.Context, err error) (int, Failure) {
	var tooLarge *http.MaxBytesError
	e := broadcast.AsError(err)
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, Failure{Error: tooMuch(tooLarge.Limit)}
	case errors.Is(err, ErrGarbled):
		return http.StatusBadRequest, Failure{Error: "The form broke off on its way, or was garbled. Go back and send it again."}
	case errors.Is(err, ErrNoMethod):
		return http.StatusMethodNotAllowed, Failure{Error: "This address does not take that kind of request."}
	case e != nil:
		return e.Code.HTTPStatus(), Failure{Error: err.Error(), Problems: ProblemsOf(err)}
	}
	return http.StatusInternalServerError, Failure{
		Error:     "Something went wrong on our side. Nothing you wrote is lost; please try again in a moment.",
		RequestID: requestID(c),
	}
}

func tooMuch(limit int64) string {
	if limit > maxForm {
		return fmt.Sprintf("This is larger than %d MB. Leave out of the file what is not needed, or divide it.", limit>>20)
	}
	return "This form is larger than 1 MB. Shorten the text and send it again."
}

// Fail is the one way to say that something did not work.
func (f *Frame) Fail(c *gin.Context, err error) {
	defer c.Abort()
	if errors.Is(err, context.Canceled) && c.Request.Context().Err() != nil {
		return // they left; there is nobody to tell
	}
	status, what := Told(c, err)
	if status == http.StatusInternalServerError {
		f.o.Log.ErrorContext(c.Request.Context(), "request failed", "request_id", what.RequestID, "method", c.Request.Method, "path", c.FullPath(), "error", err)
	}
	if c.Writer.Written() {
		return
	}
	if WantsData(c) {
		c.JSON(status, what)
		return
	}
	f.Render(c, status, "fail", FailPage{
		Page: f.Page(c, headings[status], ""), Status: status, Sentence: what.Error, RequestID: what.RequestID,
	})
}

// ProblemsOf is every field's sentence inside err.
func ProblemsOf(err error) []Problem {
	var many broadcast.Problems
	if !errors.As(err, &many) {
		e := broadcast.AsError(err)
		if e == nil || e.Field == "" {
			return nil
		}
		many = broadcast.Problems{e}
	}
	out := make([]Problem, len(many))
	for i, e := range many {
		out[i] = Problem{e.Field, e.Message}
	}
	return out
}
