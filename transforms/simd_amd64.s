#include "textflag.h"

// Rounds a sum of 22-bit weights.
DATA half<>+0(SB)/4, $0x200000
GLOBL half<>(SB), RODATA|NOPTR, $4

// Brings the pixels back in order after two packs within halves.
DATA order<>+0(SB)/4, $0
DATA order<>+4(SB)/4, $4
DATA order<>+8(SB)/4, $1
DATA order<>+12(SB)/4, $5
DATA order<>+16(SB)/4, $2
DATA order<>+20(SB)/4, $6
DATA order<>+24(SB)/4, $3
DATA order<>+28(SB)/4, $7
GLOBL order<>(SB), RODATA|NOPTR, $32

// func blendAVX2(out, src *uint64, stride, words int, k *uint64, n int)
TEXT ·blendAVX2(SB), NOSPLIT, $0-48
	MOVQ out+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ stride+16(FP), R8
	MOVQ words+24(FP), CX
	MOVQ k+32(FP), R9
	MOVQ n+40(FP), R10
	SHLQ $3, R8              // bytes
	VPBROADCASTD half<>(SB), Y15
	VMOVDQU order<>(SB), Y14

four: // four words, eight pixels
	CMPQ CX, $4
	JLT one
	VMOVDQA Y15, Y0
	VMOVDQA Y15, Y1
	VMOVDQA Y15, Y2
	VMOVDQA Y15, Y3
	MOVQ SI, R11
	MOVQ R9, R12
	MOVQ R10, R13

fourtap:
	VPBROADCASTD (R12), Y8
	VPMOVZXBD (R11), Y4
	VPMOVZXBD 8(R11), Y5
	VPMOVZXBD 16(R11), Y6
	VPMOVZXBD 24(R11), Y7
	VPMULLD Y8, Y4, Y4
	VPMULLD Y8, Y5, Y5
	VPMULLD Y8, Y6, Y6
	VPMULLD Y8, Y7, Y7
	VPADDD Y4, Y0, Y0
	VPADDD Y5, Y1, Y1
	VPADDD Y6, Y2, Y2
	VPADDD Y7, Y3, Y3
	ADDQ R8, R11
	ADDQ $8, R12
	DECQ R13
	JNZ fourtap
	VPSRLD $22, Y0, Y0
	VPSRLD $22, Y1, Y1
	VPSRLD $22, Y2, Y2
	VPSRLD $22, Y3, Y3
	VPACKUSDW Y1, Y0, Y0
	VPACKUSDW Y3, Y2, Y2
	VPACKUSWB Y2, Y0, Y0
	VPERMD Y0, Y14, Y0
	VMOVDQU Y0, (DI)
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $4, CX
	JMP four

one: // one word
	TESTQ CX, CX
	JZ done
	VMOVDQA Y15, Y0
	MOVQ SI, R11
	MOVQ R9, R12
	MOVQ R10, R13

onetap:
	VPBROADCASTD (R12), Y8
	VPMOVZXBD (R11), Y4
	VPMULLD Y8, Y4, Y4
	VPADDD Y4, Y0, Y0
	ADDQ R8, R11
	ADDQ $8, R12
	DECQ R13
	JNZ onetap
	VPSRLD $22, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPACKUSDW X1, X0, X0
	VPACKUSWB X0, X0, X0
	VMOVQ X0, (DI)
	ADDQ $8, SI
	ADDQ $8, DI
	DECQ CX
	JMP one

done:
	VZEROUPPER
	RET

// func sumAVX2(out *uint64, src unsafe.Pointer, outStep, srcStep int, lo, k *int32, words, pairs int)
TEXT ·sumAVX2(SB), NOSPLIT, $0-64
	MOVQ out+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ outStep+16(FP), R14
	MOVQ srcStep+24(FP), DX
	MOVQ lo+32(FP), R9
	MOVQ k+40(FP), R10
	MOVQ words+48(FP), CX
	MOVQ pairs+56(FP), R8
	SHLQ $3, R14             // bytes
	SHLQ $3, DX
	VPBROADCASTD half<>(SB), Y15

word: // two outputs of two rows
	MOVL (R9), R11
	MOVL 4(R9), R12
	LEAQ (SI)(R11*4), R11
	LEAQ (SI)(R12*4), R12
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	MOVQ R8, R13

pair: // two weights of each
	VMOVDQU (R10), Y8
	VMOVDQU 32(R10), Y9
	VPMOVZXBD (R11), Y4
	VPMOVZXBD (R12), Y5
	VPMOVZXBD (R11)(DX*1), Y6
	VPMOVZXBD (R12)(DX*1), Y7
	VPMULLD Y8, Y4, Y4
	VPMULLD Y9, Y5, Y5
	VPMULLD Y8, Y6, Y6
	VPMULLD Y9, Y7, Y7
	VPADDD Y4, Y0, Y0
	VPADDD Y5, Y1, Y1
	VPADDD Y6, Y2, Y2
	VPADDD Y7, Y3, Y3
	ADDQ $8, R11
	ADDQ $8, R12
	ADDQ $64, R10
	DECQ R13
	JNZ pair

	// The halves of a sum are the weights of even and odd number. Then: a row in each half.
	VPERM2I128 $0x20, Y2, Y0, Y4
	VPERM2I128 $0x31, Y2, Y0, Y5
	VPERM2I128 $0x20, Y3, Y1, Y6
	VPERM2I128 $0x31, Y3, Y1, Y7
	VPADDD Y5, Y4, Y4
	VPADDD Y7, Y6, Y6
	VPADDD Y15, Y4, Y4
	VPADDD Y15, Y6, Y6
	VPSRLD $22, Y4, Y4
	VPSRLD $22, Y6, Y6
	VPACKUSDW Y6, Y4, Y4
	VPACKUSWB Y4, Y4, Y4
	VEXTRACTI128 $1, Y4, X5
	VMOVQ X4, (DI)
	VMOVQ X5, (DI)(R14*1)
	ADDQ $8, DI
	ADDQ $8, R9
	DECQ CX
	JNZ word
	VZEROUPPER
	RET
