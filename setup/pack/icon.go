package pack

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"strconv"
)

// The sizes Teams asks for, in pixels (protocol I).
const (
	colorSize   = 192
	outlineSize = 32
)

// maxIcon bounds what is decoded, in bytes.
const maxIcon = 1 << 20

// decode reads an icon of the operator's; nil for none.
func decode(raw []byte, size int) (image.Image, error) {
	if len(raw) > maxIcon {
		return nil, fmt.Errorf("is larger than %d KB", maxIcon>>10)
	}
	c, err := png.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return nil, errors.New("is not a PNG image")
	}
	if c.Width != size || c.Height != size {
		return nil, fmt.Errorf("is %d×%d pixels; it must be %d×%d", c.Width, c.Height, size, size)
	}
	img, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, errors.New("is not a whole PNG image")
	}
	return img, nil
}

func checkColor(raw []byte) error {
	if raw == nil {
		return nil
	}
	_, err := decode(raw, colorSize)
	return err
}

// checkOutline wants white and transparent and nothing else: Teams colours it.
func checkOutline(raw []byte) error {
	if raw == nil {
		return nil
	}
	img, err := decode(raw, outlineSize)
	if err != nil {
		return err
	}
	clear := 0
	for y := range outlineSize {
		for x := range outlineSize {
			p, _ := color.NRGBAModel.Convert(img.At(img.Bounds().Min.X+x, img.Bounds().Min.Y+y)).(color.NRGBA)
			if p.A == 0 {
				clear++
			} else if p.R != 255 || p.G != 255 || p.B != 255 {
				return errors.New("has a colour; it must be white on transparent and nothing else")
			}
		}
	}
	if clear == 0 {
		return errors.New("has no transparent part; it must be white on transparent")
	}
	return nil
}

// drawColor is Fanfare's horn in white on the accent. Teams rounds the corners itself.
func drawColor(accent string) ([]byte, error) {
	rgb, err := strconv.ParseUint(accent[1:], 16, 32)
	if err != nil {
		return nil, err
	}
	ground := color.NRGBA{uint8(rgb >> 16), uint8(rgb >> 8), uint8(rgb), 255}
	return drawn(colorSize, 0.25, func(share float64) color.NRGBA {
		return color.NRGBA{mix(ground.R, share), mix(ground.G, share), mix(ground.B, share), 255}
	}, inHorn)
}

func drawOutline() ([]byte, error) {
	return drawn(outlineSize, 0.06, func(share float64) color.NRGBA {
		if share == 0 {
			return color.NRGBA{}
		}
		return color.NRGBA{255, 255, 255, uint8(math.Round(share * 255))}
	}, onHornsEdge)
}

// mix is that share of white over a ground.
func mix(ground uint8, share float64) uint8 {
	return uint8(math.Round(float64(ground) + (255-float64(ground))*share))
}

const samples = 6 // each way in a pixel, for smooth edges

// drawn paints a shape that lives in the square from 0 to 24, with a margin that is a
// share of the size.
func drawn(size int, margin float64, paint func(share float64) color.NRGBA, in func(x, y float64) bool) ([]byte, error) {
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	scale := 24 / (float64(size) * (1 - 2*margin))
	at := func(pixel, sample int) float64 {
		return (float64(pixel) + (float64(sample)+0.5)/samples - float64(size)*margin) * scale
	}
	for y := range size {
		for x := range size {
			hits := 0
			for i := range samples * samples {
				if in(at(x, i%samples), at(y, i/samples)) {
					hits++
				}
			}
			img.SetNRGBA(x, y, paint(float64(hits)/(samples*samples)))
		}
	}
	var out bytes.Buffer
	err := png.Encode(&out, img)
	return out.Bytes(), err
}

type point struct{ x, y float64 }

// The horn of the page's logo (web/templates/parts_icons.html).
var (
	horn = []point{{3, 10}, {3, 14}, {4, 15}, {7, 15}, {16, 20}, {16, 4}, {7, 9}, {4, 9}}
	foot = []point{{7.5, 15}, {8.7, 20}, {11.3, 20}, {10.3, 16.4}}
)

const stroke = 0.9 // half the width of a line

// inHorn tells whether a point is white: in the horn, on its foot or on its sound.
func inHorn(x, y float64) bool {
	return inside(horn, x, y) || near(foot, x, y, stroke) || onSound(x, y)
}

func onHornsEdge(x, y float64) bool {
	return near(append(horn[:len(horn):len(horn)], horn[0]), x, y, stroke) || near(foot, x, y, stroke) || onSound(x, y)
}

// onSound is the arc to the right: of radius 5, between its two ends.
func onSound(x, y float64) bool {
	centre := 19 - math.Sqrt(25-3.5*3.5)
	arc := x >= 19 && math.Abs(math.Hypot(x-centre, y-12)-5) <= stroke
	return arc || math.Hypot(x-19, y-8.5) <= stroke || math.Hypot(x-19, y-15.5) <= stroke
}

// inside counts the edges a ray to the right crosses.
func inside(shape []point, x, y float64) bool {
	in := false
	for i, a := range shape {
		b := shape[(i+1)%len(shape)]
		if (a.y > y) != (b.y > y) && x < (b.x-a.x)*(y-a.y)/(b.y-a.y)+a.x {
			in = !in
		}
	}
	return in
}

// near tells whether a point is within some distance of a line with corners.
func near(line []point, x, y, within float64) bool {
	for i := 1; i < len(line); i++ {
		a, b := line[i-1], line[i]
		dx, dy := b.x-a.x, b.y-a.y
		t := max(0, min(1, ((x-a.x)*dx+(y-a.y)*dy)/(dx*dx+dy*dy)))
		if math.Hypot(x-a.x-t*dx, y-a.y-t*dy) <= within {
			return true
		}
	}
	return false
}
